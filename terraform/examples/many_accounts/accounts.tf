module "research" {
  source    = "../minimal"
  providers = { aws = aws.research }

  name     = "research-inference"
  artifact = { bucket = var.artifact_buckets.research, key = var.artifact_key }
}

module "operations" {
  source    = "../minimal"
  providers = { aws = aws.operations }

  name     = "ops-inference"
  artifact = { bucket = var.artifact_buckets.operations, key = var.artifact_key }
}
