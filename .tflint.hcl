# Used by `make lint` where tflint is installed; only rules that need no plugin download.
config {
  call_module_type = "local"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}

rule "terraform_naming_convention" {
  enabled = true
}

# Every module has the same four files plus one file per concern, so the standard layout rule does not fit.
rule "terraform_standard_module_structure" {
  enabled = false
}
