"""How the parts are put together: settings, container, credentials, the HTTP edge, the worker."""
