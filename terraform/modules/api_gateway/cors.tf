# Browsers do not sign a preflight request, so API Gateway answers it without asking the router.

locals {
  preflight_headers = {
    Access-Control-Allow-Origin  = "*"
    Access-Control-Allow-Methods = "GET,POST,OPTIONS"
    Access-Control-Allow-Headers = "Authorization,Content-Type,Accept,X-Amz-Date,X-Amz-Security-Token,X-Amz-Content-Sha256,X-Data-Classification"
    Access-Control-Max-Age       = "600"
  }

  preflight = {
    summary  = "CORS preflight"
    security = []
    responses = {
      "200" = {
        description = "Any origin may call; the signature is what authenticates."
        headers     = { for name in keys(local.preflight_headers) : name => { schema = { type = "string" } } }
      }
    }
    x-amazon-apigateway-integration = {
      type                = "mock"
      passthroughBehavior = "when_no_match"
      # With binary media types "*/*" a mock integration fails with 500 unless its input is text.
      contentHandling  = "CONVERT_TO_TEXT"
      requestTemplates = { "application/json" = jsonencode({ statusCode = 200 }) }
      responses = {
        default = {
          statusCode         = "200"
          responseParameters = { for name, value in local.preflight_headers : "method.response.header.${name}" => "'${value}'" }
        }
      }
    }
  }
}
