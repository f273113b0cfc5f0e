router = {
  commercial_region = "us-east-1" # or us-east-2, us-west-2, ca-central-1: those with FIPS endpoints of Bedrock
  log_level         = "INFO"
}
