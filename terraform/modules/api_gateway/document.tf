# openapi.yaml is the contract; everything only API Gateway needs is merged into it here.

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  contract = yamldecode(file("${path.module}/openapi.yaml"))

  # Every operation of the contract under the name people use: "POST /bedrock/invoke-model".
  operations = merge([
    for path, methods in local.contract.paths : {
      for method in keys(methods) : "${upper(method)} ${path}" => { method = upper(method), path = path }
    }
  ]...)

  router_integration = {
    type                = "aws_proxy"
    httpMethod          = "POST"
    passthroughBehavior = "when_no_match"
    timeoutInMillis     = var.integration_timeout_seconds * 1000
    uri = join(":", [
      "arn", data.aws_partition.current.partition, "apigateway", data.aws_region.current.name, "lambda",
      "path/2015-03-31/functions/${var.function_alias_arn}/invocations",
    ])
  }

  # API Gateway's importer ignores a document's own `security`; each operation must carry it, or it is open to anybody.
  routed = {
    security                        = local.contract.security
    x-amazon-apigateway-integration = local.router_integration
  }

  # Unknown paths and methods go to the router too: it answers 404 and 405 in the documented envelope.
  other_methods = { x-amazon-apigateway-any-method = merge(local.routed, { responses = {} }) }

  catch_all_path = {
    "/{proxy+}" = {
      x-amazon-apigateway-any-method = merge(local.other_methods.x-amazon-apigateway-any-method, {
        parameters = [{ name = "proxy", in = "path", required = true, schema = { type = "string" } }]
      })
    }
  }

  paths = {
    for path, methods in local.contract.paths : path => merge(
      { for method, operation in methods : method => merge(operation, local.routed) },
      local.other_methods,
      { options = local.preflight },
    )
  }

  # In OpenAPI 3 the endpoint configuration belongs to a server. An import in the mode `overwrite` takes away from an API
  # what the document does not name.
  servers = local.endpoint_configuration == {} ? {} : {
    servers = [{ url = "/", x-amazon-apigateway-endpoint-configuration = local.endpoint_configuration }]
  }

  document = jsonencode(merge(local.contract, local.servers, {
    info  = merge(local.contract.info, { title = var.name })
    paths = merge(local.paths, local.catch_all_path)

    # Bodies reach the function base64-encoded, so no byte is changed by a text conversion.
    x-amazon-apigateway-binary-media-types = ["*/*"]
    x-amazon-apigateway-gateway-responses  = local.gateway_responses
    x-amazon-apigateway-policy             = local.resource_policy
  }))
}
