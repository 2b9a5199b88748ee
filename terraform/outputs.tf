output "api_url" {
  description = "Address of the inference API; callers send an ID token for it."
  value       = google_cloud_run_v2_service.api.uri
}

output "image" {
  description = "Where the API's image is pushed to, without a tag."
  value       = local.image
}

output "topics" {
  description = "Topics by their short names; devices and the simulator publish to `readings`."
  value       = { for name, topic in google_pubsub_topic.this : name => topic.id }
}

output "subscriptions" {
  description = "Pull subscriptions by topic: decisions, and what was parked or given up."
  value       = { for name, subscription in google_pubsub_subscription.pull : name => subscription.id }
}

output "service_accounts" {
  description = "The identity of each thing that runs."
  value       = { for name, account in google_service_account.this : name => account.email }
}

output "next_steps" {
  description = "Commands, from the repository's root, in their order."
  value = {
    "1 build the API" = join(" ", [
      "gcloud builds submit --project ${var.project_id} --region ${var.region} --config serving/cloudbuild.yaml",
      "--service-account ${google_service_account.this["build"].id}",
      "--gcs-source-staging-dir gs://${google_storage_bucket.sources.name}/builds",
      "--substitutions _REGION=${var.region},_REPOSITORY=${google_artifact_registry_repository.images.repository_id},COMMIT_SHA=$(git rev-parse HEAD) .",
    ])
    "2 deploy the API" = join(" ", [
      "gcloud run services update ${google_cloud_run_v2_service.api.name} --project ${var.project_id} --region ${var.region}",
      "--image ${local.image}:$(git rev-parse HEAD)",
    ])
    "3 read decisions" = "gcloud pubsub subscriptions pull ${google_pubsub_subscription.pull["decisions"].name} --project ${var.project_id} --auto-ack --limit 10"
  }
}

output "github_variables" {
  description = "What the workflows need to know, as variables of the repository; null without one."
  value = var.github == null ? null : {
    GCP_PROJECT                    = var.project_id
    GCP_REGION                     = var.region
    GCP_ENVIRONMENT                = var.environment == null ? "" : var.environment
    GCP_WORKLOAD_IDENTITY_PROVIDER = one(google_iam_workload_identity_pool_provider.github[*].name)
    GCP_API_SERVICE                = google_cloud_run_v2_service.api.name
    GCP_API_IMAGE                  = local.image
    GCP_TRAINING_IMAGE             = local.training_image
    GCP_TRAINING_JOBS              = join(" ", sort([for job in google_cloud_run_v2_job.training : job.name]))
    GCP_BUILD_ACCOUNT              = google_service_account.this["build"].id
    GCP_SMOKE_ACCOUNT              = one(google_service_account.smoke[*].email)
    GCP_SOURCES_BUCKET             = google_storage_bucket.sources.name
    GCP_STATE_BUCKET               = google_storage_bucket.state.name
  }
}

output "dashboard_url" {
  description = "Requests, latency, errors, messages, decisions on one page."
  value       = local.dashboard_url
}
