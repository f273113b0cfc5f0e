environment = "dev" # becomes part of every name: cross-partition-dev-...
region      = "us-gov-west-1"

throttling = {
  rate_per_second = 50
  burst           = 100
}

tags = {
  Owner = "platform-team"
}
