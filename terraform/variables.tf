variable "project_id" {
  description = "Id of the Google Cloud project; it exists and has a billing account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "environment" {
  description = <<-EOT
    Ends the name of everything, as in aiot-api-dev, so that environments can share a project; null, for a project with
    only one, adds nothing. Terraform keeps one state an environment: see environments/.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.environment == null || can(regex("^[a-z][a-z0-9]{0,7}$", var.environment))
    error_message = "An environment's name has 1 to 8 lower-case letters and digits and begins with a letter, such as dev."
  }
}

variable "region" {
  description = "Where everything runs, and where Pub/Sub stores the messages."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region such as europe-west1, not a zone or a multi-region."
  }
}

variable "labels" {
  description = "Labels on every resource that can carry some."
  type        = map(string)
  default     = { app = "aiot-anomaly" }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the API; set it to false, and apply, before a tear-down."
  type        = bool
  default     = true
}

variable "api" {
  description = <<-EOT
    The inference API on Cloud Run:
    first_image: what runs until the first deployment; later changes of the image are left alone;
    cpu and memory of an instance; concurrency: requests that one instance takes at once;
    min_instances and max_instances; timeout_s: of a request.
  EOT
  type = object({
    first_image   = optional(string, "us-docker.pkg.dev/cloudrun/container/hello")
    cpu           = optional(number, 1)
    memory        = optional(string, "1Gi")
    concurrency   = optional(number, 40)
    min_instances = optional(number, 0)
    max_instances = optional(number, 10)
    timeout_s     = optional(number, 60)
  })
  default = {}

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.api.cpu)
    error_message = "api.cpu is 1, 2, 4, 6 or 8: less than one whole CPU allows only one request at a time."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.api.memory))
    error_message = "api.memory is a quantity such as 512Mi or 1Gi."
  }
  validation {
    condition     = var.api.concurrency >= 1 && var.api.concurrency <= 1000
    error_message = "api.concurrency is between 1 and 1000."
  }
  validation {
    condition     = var.api.min_instances >= 0 && var.api.max_instances >= 1 && var.api.min_instances <= var.api.max_instances
    error_message = "Expected 0 <= api.min_instances <= api.max_instances, and at least one instance at most."
  }
  validation {
    condition     = var.api.timeout_s >= 1 && var.api.timeout_s <= 3600
    error_message = "api.timeout_s is between 1 and 3600 seconds."
  }
}

variable "api_invokers" {
  description = "Who may call the API besides the function, as IAM members (user:…, serviceAccount:…, group:…)."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for m in var.api_invokers : contains(["allUsers", "allAuthenticatedUsers"], m) || can(regex("^[a-zA-Z]+:.+$", m))])
    error_message = "An IAM member reads type:name, such as serviceAccount:app@project.iam.gserviceaccount.com; allUsers makes the API public."
  }
}

variable "function" {
  description = <<-EOT
    The function behind `readings`: cpu and memory of its one instance; concurrency: messages that it works on at once.
    Its number of instances is no choice, see function.tf.
  EOT
  type = object({
    cpu         = optional(number, 1)
    memory      = optional(string, "1Gi")
    concurrency = optional(number, 16)
  })
  default = {}

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.function.cpu)
    error_message = "function.cpu is 1, 2, 4, 6 or 8: less than one whole CPU allows only one request at a time."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.function.memory))
    error_message = "function.memory is a quantity such as 512Mi or 1Gi; its temporary files, the store among them, count."
  }
  validation {
    condition     = var.function.concurrency >= 1 && var.function.concurrency <= 1000
    error_message = "function.concurrency is between 1 and 1000."
  }
}

variable "pubsub" {
  description = <<-EOT
    How long messages are kept, in days:
    replay_days: of `readings`, for replaying what was acknowledged;
    kept_days: of the pull subscriptions, for whoever comes to read them.
  EOT
  type = object({
    replay_days = optional(number, 7)
    kept_days   = optional(number, 31)
  })
  default = {}

  validation {
    condition     = var.pubsub.replay_days >= 1 && var.pubsub.replay_days <= 31
    error_message = "pubsub.replay_days is between 1 and 31."
  }
  validation {
    condition     = var.pubsub.kept_days >= 1 && var.pubsub.kept_days <= 31
    error_message = "pubsub.kept_days is between 1 and 31, the longest that Pub/Sub keeps a message."
  }
}

variable "readings_publishers" {
  description = "Who may publish to `readings`, as IAM members: gateways of the devices, the simulator."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for m in var.readings_publishers : can(regex("^[a-zA-Z]+:.+$", m))])
    error_message = "An IAM member reads type:name, such as serviceAccount:gateway@project.iam.gserviceaccount.com."
  }
}

variable "images" {
  description = <<-EOT
    Clean-up in Artifact Registry: versions older than delete_after_days are deleted,
    but the keep_recent newest of each image never, so that a roll-back finds them.
  EOT
  type = object({
    keep_recent       = optional(number, 10)
    delete_after_days = optional(number, 30)
  })
  default = {}

  validation {
    condition     = var.images.keep_recent >= 2
    error_message = "images.keep_recent is at least 2: the running version and the one before it."
  }
  validation {
    condition     = var.images.delete_after_days >= 1
    error_message = "images.delete_after_days is at least 1."
  }
}
