# Where the chain ends. It lets a writer go on without searching, and shows a reader when the last objects are missing.
resource "aws_dynamodb_table" "head" {
  name                        = "${var.name}-audit-archive"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection
  hash_key                    = "chain"

  attribute {
    name = "chain"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
