# Reads of the policy are few, and an item of each principal and day is small: both tables are on demand.

resource "aws_dynamodb_table" "policy" {
  name                        = "${var.name}-policy"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection
  hash_key                    = "name"

  attribute {
    name = "name"
    type = "S"
  }

  # Earlier policies can be looked at and restored, whoever changed the item.
  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_dynamodb_table" "limits" {
  name                        = "${var.name}-limits"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection
  hash_key                    = "id"

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expiresAt"
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
