# The real provider, computing for the aws-us-gov partition without an account.
provider "aws" {
  region                      = "us-gov-west-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

provider "aws" {
  alias                       = "east"
  region                      = "us-gov-east-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

variables {
  name               = "cross-partition-test"
  function_alias_arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:live"
  kms_key_arn        = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

# One plan for everything that can be seen in one: each run costs seconds.
run "the_api" {
  command = plan

  variables {
    integration_timeout_seconds = 60
    throttling                  = { rate_per_second = 5 }
  }

  # Every operation reaches the router.

  assert {
    condition = alltrue(flatten([
      for path, operations in jsondecode(output.document).paths : [
        for method, operation in operations :
        operation.x-amazon-apigateway-integration.type == "aws_proxy" &&
        operation.x-amazon-apigateway-integration.timeoutInMillis == 60000 &&
        operation.x-amazon-apigateway-integration.uri == "arn:aws-us-gov:apigateway:us-gov-west-1:lambda:path/2015-03-31/functions/${var.function_alias_arn}/invocations"
        if method != "options"
      ]
    ]))
    error_message = "An operation does not invoke the alias through the GovCloud integration URI."
  }

  assert {
    condition     = keys(jsondecode(output.document).paths["/{proxy+}"]) == ["x-amazon-apigateway-any-method"]
    error_message = "Unknown paths must reach the router whatever their method."
  }

  assert {
    condition = toset([for path, operations in jsondecode(output.document).paths : path if path != "/{proxy+}"]) == toset([
      "/bedrock/invoke-model", "/bedrock/models", "/dashboard/requests", "/health",
    ])
    error_message = "The contract's paths changed."
  }

  assert {
    condition     = jsondecode(output.document)["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    error_message = "Bodies must pass as bytes."
  }

  assert {
    condition     = aws_api_gateway_rest_api.this.endpoint_configuration[0].types == tolist(["REGIONAL"])
    error_message = "GovCloud has regional APIs only."
  }

  # Only preflight requests are unsigned.

  assert {
    condition     = jsondecode(output.document).components.securitySchemes.sigv4["x-amazon-apigateway-authtype"] == "awsSigv4"
    error_message = "The scheme must be SigV4."
  }

  assert {
    condition = alltrue(flatten([
      for path, operations in jsondecode(output.document).paths : [
        for method, operation in operations : method == "options" ? operation.security == [] : operation.security == [{ sigv4 = [] }]
      ]
    ]))
    error_message = "Every operation but OPTIONS must demand SigV4 itself: the importer ignores the document's default."
  }

  assert {
    condition = alltrue([
      for path, operations in jsondecode(output.document).paths :
      operations.options.security == [] &&
      operations.options.x-amazon-apigateway-integration.type == "mock" &&
      operations.options.x-amazon-apigateway-integration.contentHandling == "CONVERT_TO_TEXT" &&
      operations.options.x-amazon-apigateway-integration.responses.default.responseParameters["method.response.header.Access-Control-Allow-Origin"] == "'*'"
      if path != "/{proxy+}"
    ])
    error_message = "Every explicit path must answer a preflight request without the router."
  }

  # API Gateway's own errors have the router's envelope.

  assert {
    condition = alltrue([
      for type, response in jsondecode(output.document)["x-amazon-apigateway-gateway-responses"] :
      keys(jsondecode(replace(response.responseTemplates["application/json"], "$context.error.messageString", "\"m\"")).error) == ["code", "message", "requestId"] &&
      response.responseParameters["gatewayresponse.header.X-Request-ID"] == "context.requestId"
    ])
    error_message = "A gateway response is not {error: {code, message, requestId}} with X-Request-ID."
  }

  assert {
    condition = {
      for type, response in jsondecode(output.document)["x-amazon-apigateway-gateway-responses"] :
      type => response.statusCode if can(response.statusCode)
      } == {
      ACCESS_DENIED                = "403"
      EXPIRED_TOKEN                = "403"
      INTEGRATION_FAILURE          = "502"
      INTEGRATION_TIMEOUT          = "504"
      INVALID_SIGNATURE            = "403"
      MISSING_AUTHENTICATION_TOKEN = "403"
      REQUEST_TOO_LARGE            = "413"
      THROTTLED                    = "429"
    }
    error_message = "A status changed, or a default has one and would change the status of every other type."
  }

  # Logs hold no payload.

  assert {
    condition     = !one(aws_api_gateway_method_settings.all.settings).data_trace_enabled && one(aws_api_gateway_method_settings.all.settings).logging_level == "OFF"
    error_message = "API Gateway must not log requests and responses."
  }

  assert {
    condition     = one(aws_api_gateway_method_settings.all.settings).throttling_rate_limit == 5 && one(aws_api_gateway_method_settings.all.settings).throttling_burst_limit == 100
    error_message = "The stage must throttle, with the default for what is not given."
  }

  assert {
    condition     = alltrue([for value in values(jsondecode(local.access_log_format)) : can(regex("^\\$context\\.[A-Za-z.]+$", value))])
    error_message = "The access log may only hold context variables."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.access.retention_in_days == 365
    error_message = "The access log must be encrypted and expire."
  }

  # The contract is free of wiring.

  assert {
    condition     = !strcontains(file("${path.module}/openapi.yaml"), "x-amazon-apigateway-integration")
    error_message = "openapi.yaml is read by tools that know nothing of AWS."
  }
}

run "partition_and_region_are_not_fixed" {
  command = plan

  providers = { aws = aws.east }

  assert {
    condition     = startswith(jsondecode(output.document).paths["/health"].get.x-amazon-apigateway-integration.uri, "arn:aws-us-gov:apigateway:us-gov-east-1:lambda:")
    error_message = "The integration URI must follow the provider's region."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name                        = "has space"
    function_alias_arn          = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:router"
    stage_name                  = "v/1"
    integration_timeout_seconds = 301
    throttling                  = { burst = 0 }
    log_retention_days          = 31
    kms_key_arn                 = "alias/key"
  }

  expect_failures = [
    var.name, var.function_alias_arn, var.stage_name, var.integration_timeout_seconds,
    var.throttling, var.log_retention_days, var.kms_key_arn,
  ]
}
