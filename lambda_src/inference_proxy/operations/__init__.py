"""The use cases, one file each. A method that a route names takes a Request and returns a Response."""
