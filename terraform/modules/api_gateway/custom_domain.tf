# The record in DNS belongs to whoever owns the zone: the output `custom_domain` has what it needs.

resource "aws_api_gateway_domain_name" "this" {
  count = length(var.domain[*])

  domain_name                            = var.domain.name
  regional_certificate_arn               = var.domain.certificate_arn
  ownership_verification_certificate_arn = var.domain.ownership_verification_certificate_arn
  security_policy                        = "TLS_1_2"

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  dynamic "mutual_tls_authentication" {
    for_each = var.domain.truststore[*]

    content {
      truststore_uri     = mutual_tls_authentication.value.uri
      truststore_version = mutual_tls_authentication.value.version
    }
  }
}

# Without a base path: the stage is at the root of the domain, and paths are those of the contract.
resource "aws_api_gateway_base_path_mapping" "this" {
  count = length(var.domain[*])

  api_id      = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  domain_name = aws_api_gateway_domain_name.this[0].domain_name
}
