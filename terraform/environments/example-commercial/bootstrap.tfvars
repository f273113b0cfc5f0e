# The Commercial account's side of the environment `dev`: terraform/commercial/README.md.
region                      = "us-east-1"
api_gateway_logging_enabled = false # there is no API on this side
