variable "document" {
  description = "The policy's text, YAML or JSON."
  type        = string
  nullable    = false

  # Whatever else is wrong is told by the output `problems`, all of it at once.
  validation {
    condition     = can(jsonencode(yamldecode(var.document)))
    error_message = "document must be YAML or JSON, one document, without .inf, .nan and tags of its own."
  }
}
