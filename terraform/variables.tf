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
  description = <<-EOT
    Whether Terraform refuses to delete the API, the Firestore database, BigQuery's tables and buckets that are not
    empty; set it to false, and apply, before a tear-down.
  EOT
  type        = bool
  default     = true
}

variable "api" {
  description = <<-EOT
    The inference API on Cloud Run:
    first_image: what runs until the first deployment; later changes of the image are left alone;
    cpu and memory of an instance; concurrency: requests that one instance takes at once, by default as many as are
    scored together: more would only wait longer (docs/serving.md);
    min_instances and max_instances; timeout_s: of a request; environment: settings of serving/settings.py by their
    name in capitals, such as MAX_QUEUE_MS, REQUEST_TIMEOUT_MS, DEFAULT_PROFILE or ACCESS_LOG, and OpenTelemetry's, such
    as OTEL_EXPORTER_OTLP_ENDPOINT.
  EOT
  type = object({
    first_image   = optional(string, "us-docker.pkg.dev/cloudrun/container/hello")
    cpu           = optional(number, 1)
    memory        = optional(string, "1Gi")
    concurrency   = optional(number, 64)
    min_instances = optional(number, 0)
    max_instances = optional(number, 10)
    timeout_s     = optional(number, 60)
    environment   = optional(map(string), {})
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
    condition = alltrue([
      for mib in [for m in regexall("^([0-9]+)(Mi|Gi)$", var.api.memory) : m[0] * { Mi = 1, Gi = 1024 }[m[1]]] :
      mib >= (var.api.cpu < 4 ? 128 : var.api.cpu < 6 ? 2048 : 4096) && mib <= 4096 * var.api.cpu
    ])
    error_message = "api.memory does not fit api.cpu: 4 CPUs want 2Gi at least, 6 and 8 want 4Gi, and each CPU takes 4Gi at most."
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
    condition = alltrue([
      for name in keys(var.api.environment) :
      can(regex("^[A-Z][A-Z0-9_]*$", name)) && !contains(["PORT", "HOST", "MODELS_DIR", "AIP_HTTP_PORT"], name)
    ])
    error_message = "api.environment has names in capitals, and none that the image or Cloud Run sets: PORT, HOST, MODELS_DIR, AIP_HTTP_PORT."
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
    The function behind `readings`: cpu and memory of an instance; concurrency: messages that it works on at once;
    min_instances and max_instances.
  EOT
  type = object({
    cpu           = optional(number, 1)
    memory        = optional(string, "1Gi")
    concurrency   = optional(number, 16)
    min_instances = optional(number, 0)
    max_instances = optional(number, 10)
  })
  default = {}

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.function.cpu)
    error_message = "function.cpu is 1, 2, 4, 6 or 8: less than one whole CPU allows only one request at a time."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.function.memory))
    error_message = "function.memory is a quantity such as 512Mi or 1Gi."
  }
  validation {
    condition = alltrue([
      for mib in [for m in regexall("^([0-9]+)(Mi|Gi)$", var.function.memory) : m[0] * { Mi = 1, Gi = 1024 }[m[1]]] :
      mib >= (var.function.cpu < 4 ? 128 : var.function.cpu < 6 ? 2048 : 4096) && mib <= 4096 * var.function.cpu
    ])
    error_message = "function.memory does not fit function.cpu: 4 CPUs want 2Gi at least, 6 and 8 want 4Gi, and each CPU takes 4Gi at most."
  }
  validation {
    condition     = var.function.concurrency >= 1 && var.function.concurrency <= 1000
    error_message = "function.concurrency is between 1 and 1000."
  }
  validation {
    condition     = var.function.min_instances >= 0 && var.function.max_instances >= 1 && var.function.min_instances <= var.function.max_instances
    error_message = "Expected 0 <= function.min_instances <= function.max_instances, and at least one instance at most."
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

variable "operators" {
  description = <<-EOT
    Who may look after devices with `python -m functions` (maintenance, recalibrate, redrive), as IAM members.
  EOT
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for m in var.operators : can(regex("^[a-zA-Z]+:.+$", m))])
    error_message = "An IAM member reads type:name, such as group:operators@example.com."
  }
}

variable "sweep_minutes" {
  description = "Minutes from one look after silent devices to the next; with more than ten no silence would be believed."
  type        = number
  default     = 5

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6, 10], var.sweep_minutes)
    error_message = "sweep_minutes divides an hour and is at most 10: 1, 2, 3, 4, 5, 6 or 10."
  }
}

variable "firestore" {
  description = <<-EOT
    The devices' states: point_in_time_recovery keeps each version for seven days, at the price of their storage.
  EOT
  type = object({
    point_in_time_recovery = optional(bool, false)
  })
  default = {}
}

variable "bigquery" {
  description = <<-EOT
    How many days BigQuery keeps the messages, counted from the day on which they were published:
    readings_days: of `readings`; decisions_days: of `decisions`. 0 keeps them for ever, but takes no expiry away from a
    table that has one: `bq update --time_partitioning_expiration -1` does.
  EOT
  type = object({
    readings_days  = optional(number, 90)
    decisions_days = optional(number, 730)
  })
  default = {}

  validation {
    condition     = alltrue([for d in values(var.bigquery) : d >= 0 && floor(d) == d])
    error_message = "bigquery.readings_days and bigquery.decisions_days are whole numbers of days, or 0 for ever."
  }
}

variable "buckets" {
  description = <<-EOT
    What the buckets keep: state_versions: versions of Terraform's state, the current one among them;
    artifact_days: what a training left.
  EOT
  type = object({
    state_versions = optional(number, 20)
    artifact_days  = optional(number, 180)
  })
  default = {}

  validation {
    condition     = var.buckets.state_versions >= 2
    error_message = "buckets.state_versions is at least 2: with fewer, a broken state could not be mended."
  }
  validation {
    condition     = var.buckets.artifact_days >= 1
    error_message = "buckets.artifact_days is at least 1."
  }
}

variable "training" {
  description = <<-EOT
    The training jobs: profiles: one job each; cpu and memory; timeout_h: hours after which a training is given up;
    first_image: what runs until the first deployment; later changes of the image are left alone.
  EOT
  type = object({
    profiles    = optional(set(string), ["leak"])
    cpu         = optional(number, 4)
    memory      = optional(string, "8Gi")
    timeout_h   = optional(number, 6)
    first_image = optional(string, "us-docker.pkg.dev/cloudrun/container/job")
  })
  default = {}

  validation {
    condition     = alltrue([for p in var.training.profiles : can(regex("^[a-z][a-z0-9-]{0,23}$", p))])
    error_message = "A profile in training.profiles is the name of a file in src/aiot_anomaly/profiles, such as leak."
  }
  validation {
    condition     = contains([1, 2, 4, 6, 8], var.training.cpu)
    error_message = "training.cpu is 1, 2, 4, 6 or 8."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]*Gi$", var.training.memory))
    error_message = "training.memory is a quantity such as 8Gi."
  }
  validation {
    condition = alltrue([
      for mib in [for m in regexall("^([0-9]+)(Mi|Gi)$", var.training.memory) : m[0] * { Mi = 1, Gi = 1024 }[m[1]]] :
      mib >= (var.training.cpu < 4 ? 128 : var.training.cpu < 6 ? 2048 : 4096) && mib <= 4096 * var.training.cpu
    ])
    error_message = "training.memory does not fit training.cpu: 4 CPUs want 2Gi at least, 6 and 8 want 4Gi, and each CPU takes 4Gi at most."
  }
  validation {
    condition     = var.training.timeout_h >= 1 && var.training.timeout_h <= 168
    error_message = "training.timeout_h is between 1 and 168 hours, the longest that Cloud Run lets a task run."
  }
}

variable "training_schedule" {
  description = "When the training jobs run, as a cron expression in UTC; null: only when somebody starts them."
  type        = string
  default     = "0 3 * * 0"

  validation {
    condition     = var.training_schedule == null || can(regex("^(\\S+ ){4}\\S+$", var.training_schedule))
    error_message = "Expected a cron expression of five fields, such as 0 3 * * 0 for Sundays at three."
  }
}

variable "budget" {
  description = <<-EOT
    What a month may cost; at 50, 90 and 100 % the administrators of the billing account and alert_emails are told, and
    when it looks like more than 100 %. null: no budget. billing_account: its id; monthly: whole units of the currency,
    which is the account's where none is named.
    With a person's credentials the Budget API needs USER_PROJECT_OVERRIDE=true and GOOGLE_BILLING_PROJECT=<project id>
    in Terraform's environment.
  EOT
  type = object({
    billing_account = string
    monthly         = number
    currency        = optional(string)
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account is an id such as 012345-6789AB-CDEF01; see `gcloud billing accounts list`."
  }
  validation {
    condition     = var.budget == null ? true : var.budget.monthly >= 1 && floor(var.budget.monthly) == var.budget.monthly
    error_message = "budget.monthly is a whole number of at least 1."
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

variable "alert_emails" {
  description = "Who is told of alerts, by e-mail; with none they are in the console only."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for a in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", a))])
    error_message = "Expected e-mail addresses such as on-call@example.com."
  }
}

variable "alerts" {
  description = <<-EOT
    Beyond what somebody is told (see monitoring.tf):
    api_error_share: errors as a share of the API's answers; api_p99_ms: what one request in a hundred takes;
    oldest_unacked_s: how long the oldest reading waits; dead_letters: how many wait; parked_an_hour: messages put aside.
  EOT
  type = object({
    api_error_share  = optional(number, 0.05)
    api_p99_ms       = optional(number, 2000)
    oldest_unacked_s = optional(number, 600)
    dead_letters     = optional(number, 0)
    parked_an_hour   = optional(number, 0)
  })
  default = {}

  validation {
    condition     = var.alerts.api_error_share > 0 && var.alerts.api_error_share < 1
    error_message = "alerts.api_error_share is a share between 0 and 1, such as 0.05."
  }
  validation {
    condition     = var.alerts.api_p99_ms > 0 && var.alerts.oldest_unacked_s > 0
    error_message = "alerts.api_p99_ms and alerts.oldest_unacked_s are greater than 0."
  }
  validation {
    condition     = var.alerts.dead_letters >= 0 && var.alerts.parked_an_hour >= 0
    error_message = "alerts.dead_letters and alerts.parked_an_hour are counts of at least 0."
  }
}

variable "github" {
  description = <<-EOT
    The repository whose workflows plan, apply and deploy without a key (see github.tf); null: none.
    repository_id: `gh api repos/OWNER/NAME --jq .id`; repository: OWNER/NAME.
  EOT
  type = object({
    repository_id = string
    repository    = string
  })
  default = null

  validation {
    condition     = var.github == null ? true : can(regex("^[1-9][0-9]*$", var.github.repository_id))
    error_message = "github.repository_id is a number: `gh api repos/OWNER/NAME --jq .id`."
  }
  validation {
    condition     = var.github == null ? true : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository reads OWNER/NAME."
  }
}
