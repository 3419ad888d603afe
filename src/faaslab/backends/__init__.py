"""What runs functions, and how its logs read: the local backend, platform lines, saved logs."""
