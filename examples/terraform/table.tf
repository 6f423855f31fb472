# Leases, config and the ledger of routes. Its schema is weftd's: do not add an index or another key.
resource "aws_dynamodb_table" "leases" {
  name                        = var.table_name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "PK"
  range_key                   = "SK"
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"
  deletion_protection_enabled = true

  attribute {
    name = "PK"
    type = "S"
  }

  attribute {
    name = "SK"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # It knows who owns which route, which nothing else does.
  lifecycle {
    prevent_destroy = true
  }
}
