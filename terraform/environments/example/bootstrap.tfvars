# Copy this folder to terraform/environments/<name> and change what differs. Every variable has a default but
# `environment`. `make bootstrap ENV=<name>` adds backend.hcl, which names the state bucket: commit it, too.
region = "us-gov-west-1"
