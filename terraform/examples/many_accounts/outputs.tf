output "api_urls" {
  description = "Base URL of the API in each account."
  value = {
    research   = module.research.api_url
    operations = module.operations.api_url
  }
}
