"""Nothing lives here yet."""
