"""The edge: operations, their endpoints, refusals, CORS, access lines and metrics."""
