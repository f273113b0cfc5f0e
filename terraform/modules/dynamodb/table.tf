resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection

  hash_key  = "requestId"
  range_key = "timestamp"

  dynamic "attribute" {
    for_each = toset(["requestId", "timestamp", "dayShard", "outcomeDayShard", "timeKey"])

    content {
      name = attribute.value
      type = "S"
    }
  }

  # Time-ordered reading. The hash keys carry a shard, so that one day is not one hot partition.
  dynamic "global_secondary_index" {
    for_each = local.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value
      range_key       = "timeKey"
      projection_type = "ALL"
    }
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

locals {
  indexes = {
    by-time    = "dayShard"
    by-outcome = "outcomeDayShard"
  }
}
