# What holds for the whole project: APIs, accounts, roles, names by environment, and variables that say what is wrong.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "one_apply_brings_up_everything" {
  assert {
    condition = alltrue([
      for s in concat(values(google_project_service.base), values(google_project_service.this)) : !s.disable_on_destroy
    ])
    error_message = "A tear-down would disable APIs that something else in the project may need."
  }
  assert {
    condition = length(setsubtract(
      [
        "artifactregistry.googleapis.com", "bigquery.googleapis.com", "cloudbuild.googleapis.com",
        "cloudfunctions.googleapis.com", "cloudscheduler.googleapis.com", "firestore.googleapis.com",
        "pubsub.googleapis.com", "run.googleapis.com", "storage.googleapis.com",
      ],
      keys(google_project_service.this),
    )) == 0
    error_message = "An API that the apply uses is not enabled by it."
  }
  assert {
    condition = (
      { for name, a in google_service_account.this : name => a.account_id } ==
      { for name in ["api", "archivist", "build", "function", "pusher", "scheduler", "sweeper", "training"] : name => "aiot-${name}" }
    )
    error_message = "There are other accounts than one for each thing that runs."
  }
  assert {
    condition = length(distinct([
      google_cloud_run_v2_service.api.template[0].service_account,
      google_cloudfunctions2_function.this.service_config[0].service_account_email,
      google_cloudfunctions2_function.this.build_config[0].service_account,
      google_pubsub_subscription.push.push_config[0].oidc_token[0].service_account_email,
      google_pubsub_subscription.bigquery["decisions"].bigquery_config[0].service_account_email,
      google_cloud_run_v2_job.training["leak"].template[0].template[0].service_account,
      google_cloud_scheduler_job.training["leak"].http_target[0].oauth_token[0].service_account_email,
      google_cloud_scheduler_job.sweep.http_target[0].oidc_token[0].service_account_email,
    ])) == 8
    error_message = "Two things that run share an account."
  }
  assert {
    condition = alltrue([
      for m in concat(
        [
          google_project_iam_member.build_function_sources, google_project_iam_member.build_logs,
          google_project_iam_member.function_database,
        ],
        [google_artifact_registry_repository_iam_member.build_images],
        [google_storage_bucket_iam_member.build_sources, google_storage_bucket_iam_member.training_artifacts],
        [
          google_cloud_run_v2_service_iam_member.api_function, google_cloud_run_v2_service_iam_member.pusher,
          google_cloud_run_v2_service_iam_member.sweeper,
        ],
        [google_pubsub_subscription_iam_member.dead_letters],
        values(google_pubsub_subscription_iam_member.bigquery_dead_letters),
        values(google_pubsub_topic_iam_member.dead_letters), values(google_pubsub_topic_iam_member.function),
        values(google_bigquery_table_iam_member.archivist), values(google_service_account_iam_member.pubsub_tokens),
        values(google_cloud_run_v2_job_iam_member.scheduler),
      ) : !contains(["roles/owner", "roles/editor", "roles/viewer"], m.role)
    ])
    error_message = "A basic role was given: it allows nearly everything."
  }
  assert {
    condition     = length(google_billing_budget.this) == 0 && !contains(keys(google_project_service.this), "billingbudgets.googleapis.com")
    error_message = "A budget was made that nobody asked for."
  }
  # what is given on the project reaches furthest; all but the logs is bound by a condition
  assert {
    condition = (
      google_project_iam_member.build_logs.role == "roles/logging.logWriter" &&
      google_project_iam_member.build_logs.member == "serviceAccount:build@example"
    )
    error_message = "The build account may do more in the whole project than write logs."
  }
  assert {
    condition     = google_project_iam_member.function_database.member == "serviceAccount:function@example"
    error_message = "Somebody else than the function may use the database."
  }
  assert {
    condition     = output.image == "europe-west1-docker.pkg.dev/aiot-test/aiot-anomaly/serving"
    error_message = "The image is not pushed where serving/cloudbuild.yaml pushes it."
  }
}

run "a_trial_has_its_own_names_and_can_be_torn_down" {
  command = plan

  variables {
    environment         = "dev"
    region              = "us-central1"
    deletion_protection = false
    bigquery            = { readings_days = 7, decisions_days = 0 }
    firestore           = { point_in_time_recovery = true }
    budget              = { billing_account = "012345-6789AB-CDEF01", monthly = 50 }
  }

  assert {
    condition     = alltrue([for a in google_service_account.this : endswith(a.account_id, "-dev") && length(a.account_id) <= 30])
    error_message = "Two environments would share service accounts."
  }
  assert {
    condition = alltrue([
      for x in concat(
        values(google_pubsub_topic.this), values(google_pubsub_subscription.pull), values(google_pubsub_subscription.bigquery),
        [google_pubsub_subscription.push],
      ) : endswith(x.name, "-dev")
    ])
    error_message = "Two environments would share topics or subscriptions."
  }
  assert {
    condition = (
      google_cloud_run_v2_service.api.name == "aiot-api-dev" &&
      google_cloudfunctions2_function.this.name == "aiot-readings-dev" &&
      google_cloud_run_v2_job.training["leak"].name == "aiot-training-leak-dev" &&
      google_cloud_scheduler_job.training["leak"].name == "aiot-training-leak-dev" &&
      google_cloud_scheduler_job.sweep.name == "aiot-sweep-dev"
    )
    error_message = "Two environments would share the API, the function or the training jobs."
  }
  assert {
    condition = (
      google_firestore_database.this.name == "aiot-dev" &&
      google_bigquery_dataset.this.dataset_id == "aiot_dev" &&
      google_artifact_registry_repository.images.repository_id == "aiot-anomaly-dev"
    )
    error_message = "Two environments would share the database, the data set or the images."
  }
  assert {
    condition = alltrue([
      for b in [google_storage_bucket.sources, google_storage_bucket.training, google_storage_bucket.state] : endswith(b.name, "-dev")
    ])
    error_message = "Two environments would share buckets."
  }
  assert {
    condition = alltrue([
      for l in concat(
        [
          google_cloud_run_v2_service.api.location, google_cloudfunctions2_function.this.location,
          google_artifact_registry_repository.images.location, google_bigquery_dataset.this.location,
          google_firestore_database.this.location_id, google_cloud_run_v2_job.training["leak"].location,
          google_cloud_scheduler_job.training["leak"].region, google_cloud_scheduler_job.sweep.region,
        ],
        [for b in [google_storage_bucket.sources, google_storage_bucket.training, google_storage_bucket.state] : b.location],
        flatten([for t in google_pubsub_topic.this : tolist(t.message_storage_policy[0].allowed_persistence_regions)]),
      ) : l == "us-central1"
    ])
    error_message = "Something is not in the region that was asked for."
  }
  assert {
    condition     = google_storage_bucket.state.force_destroy && google_storage_bucket.training.force_destroy
    error_message = "A tear-down would stop at buckets that are not empty."
  }
  assert {
    condition     = !anytrue([for t in google_bigquery_table.messages : t.deletion_protection]) && google_bigquery_dataset.this.delete_contents_on_destroy
    error_message = "A tear-down would stop at BigQuery's tables."
  }
  assert {
    condition = (
      google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_DISABLED" &&
      google_firestore_database.this.deletion_policy == "DELETE"
    )
    error_message = "A tear-down would stop at the database, or leave it behind."
  }
  assert {
    condition     = !google_cloud_run_v2_service.api.deletion_protection
    error_message = "A tear-down would stop at the API."
  }
  assert {
    condition     = google_bigquery_table.messages["readings"].time_partitioning[0].expiration_ms == 604800000
    error_message = "Readings do not stay for as long as was asked for."
  }
  assert {
    condition     = google_billing_budget.this[0].budget_filter[0].projects == toset(["projects/123456789012"])
    error_message = "The budget counts other projects' costs, too."
  }
  assert {
    condition     = google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
    error_message = "The database cannot be recovered though it was asked for."
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    project_id          = "Not A Project"
    environment         = "Production"
    region              = "europe-west1-b"
    api_invokers        = ["app@example"]
    readings_publishers = ["gateway@example"]
    operators           = ["operators@example"]
    sweep_minutes       = 15
    api                 = { min_instances = 4, max_instances = 3 }
    function            = { memory = "1 GB" }
    pubsub              = { kept_days = 32 }
    bigquery            = { readings_days = -1 }
    buckets             = { state_versions = 1 }
    images              = { keep_recent = 1 }
    training            = { cpu = 3 }
    training_schedule   = "weekly"
    budget              = { billing_account = "mine", monthly = 100 }
  }

  expect_failures = [
    var.project_id, var.environment, var.region, var.api_invokers, var.readings_publishers, var.operators,
    var.sweep_minutes, var.api, var.function, var.pubsub, var.bigquery, var.buckets, var.images, var.training, var.training_schedule, var.budget,
  ]
}

# what Cloud Run itself would refuse, after everything before it was made
run "memory_that_does_not_fit_the_cpu_is_refused" {
  command = plan

  variables {
    api      = { cpu = 4 }
    function = { memory = "8Gi" }
    training = { memory = "32Gi" }
  }

  expect_failures = [var.api, var.function, var.training]
}

# the image and Cloud Run set it themselves
run "a_setting_that_is_not_the_callers_is_refused" {
  command = plan

  variables {
    api = { environment = { PORT = "9000" } }
  }

  expect_failures = [var.api]
}
