# API Gateway's own errors, in the envelope the router uses. An AWS SDK reads the name of an exception from
# x-amzn-ErrorType, which API Gateway adds to each, and its text from `message` at the top, where it stands once more.

locals {
  # The two defaults carry no status: with one, they would change the status of every type not listed here.
  # Not listed is what cannot occur: there are no authorizers, API keys, usage plans and request validators.
  gateway_errors = {
    DEFAULT_4XX                  = { code = "RequestRefused", status = null }
    DEFAULT_5XX                  = { code = "InternalError", status = null }
    ACCESS_DENIED                = { code = "AccessDenied", status = 403 }
    EXPIRED_TOKEN                = { code = "ExpiredToken", status = 403 }
    INVALID_SIGNATURE            = { code = "InvalidSignature", status = 403 }
    MISSING_AUTHENTICATION_TOKEN = { code = "MissingAuthenticationToken", status = 403 }
    REQUEST_TOO_LARGE            = { code = "RequestTooLarge", status = 413 }
    RESOURCE_NOT_FOUND           = { code = "RouteNotFound", status = 404 }
    THROTTLED                    = { code = "Throttled", status = 429 }
    WAF_FILTERED                 = { code = "RequestBlocked", status = 403 }
    # The function is not there yet, or API Gateway may not call it, or its answer cannot be decoded.
    API_CONFIGURATION_ERROR = { code = "RouterMisconfigured", status = 500 }
    INTEGRATION_FAILURE     = { code = "RouterUnavailable", status = 502 }
    INTEGRATION_TIMEOUT     = { code = "RouterTimeout", status = 504 }
  }

  gateway_responses = {
    for type, error in local.gateway_errors : type => merge(
      error.status == null ? {} : { statusCode = tostring(error.status) },
      {
        responseParameters = {
          "gatewayresponse.header.X-Request-ID"                = "context.requestId"
          "gatewayresponse.header.Access-Control-Allow-Origin" = "'*'"
        }
        responseTemplates = {
          # messageString is quoted by API Gateway, which is why this is not jsonencode.
          "application/json" = "{\"message\":$context.error.messageString,\"error\":{\"code\":\"${error.code}\",\"message\":$context.error.messageString,\"requestId\":\"$context.requestId\"}}"
        }
      },
    )
  }
}
