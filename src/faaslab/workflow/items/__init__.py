"""What goes into a distributed Map and what comes out of it: items read, batched, results written. Pure."""
