output "api_url" {
  description = "Base URL of the API, ending in the stage."
  value       = module.gateway.api_url
}
