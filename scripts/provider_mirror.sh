# shellcheck shell=bash
# Sourced: lets `terraform init` find the AWS provider on this machine, where that is possible.
#
# In this order: a CLI configuration file that exists; the folder in TF_PLUGIN_MIRROR; Terraform's own implied folders
# (it looks there by itself); a mirror below a folder of /opt; and otherwise the public registry.
: "${repository:?}"

# Prints the root of a mirror below a folder: the one that holds HOST/hashicorp/aws.
mirror_below() {
  find "$1" -maxdepth 4 -type d -path '*/hashicorp/aws' 2>/dev/null | sort | head -n 1 | sed 's|/[^/]*/hashicorp/aws$||'
}

use_provider_mirror() {
  local mirror=${TF_PLUGIN_MIRROR:-} implied
  [ -n "${TF_CLI_CONFIG_FILE:-}" ] && [ -f "$TF_CLI_CONFIG_FILE" ] && [ -z "$mirror" ] && return 0
  [ -n "${TF_CLI_CONFIG_FILE:-}" ] && [ ! -f "$TF_CLI_CONFIG_FILE" ] && unset TF_CLI_CONFIG_FILE
  if [ -z "$mirror" ]; then
    for implied in "$HOME/.terraform.d/plugins" "$HOME/.local/share/terraform/plugins" \
      /usr/local/share/terraform/plugins /usr/share/terraform/plugins; do
      [ -n "$(mirror_below "$implied")" ] && return 0
    done
    mirror=$(mirror_below /opt)
  fi
  [ -n "$mirror" ] || return 0
  mkdir -p "$repository/.local"
  # Written anew and moved into place: two commands may run at the same time.
  printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$mirror" >"$repository/.local/terraformrc.$$"
  mv "$repository/.local/terraformrc.$$" "$repository/.local/terraformrc"
  export TF_CLI_CONFIG_FILE=$repository/.local/terraformrc
}

use_provider_mirror
