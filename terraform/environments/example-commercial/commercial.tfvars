environment = "dev"
region      = "us-east-1"

# For credential = { mode = "federation" } in GovCloud: what scripts/enable_federation.py prints, and the output
# execution_role_arn of the infrastructure.
# federation = {
#   issuer_url       = "https://<id>.tokens.sts.<domain>"
#   subject_role_arn = "arn:aws-us-gov:iam::<GovCloud account>:role/cross-partition-dev-router-us-gov-west-1"
# }
