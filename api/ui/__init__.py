"""The dashboard at /ui: the service as pages, rendered here; what they show and do is the same as the routes'."""
