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

output "data_set" {
  description = "BigQuery data set with the views `readings` and `decisions`."
  value       = "${var.project_id}.${google_bigquery_dataset.this.dataset_id}"
}

output "buckets" {
  description = "Where sources are uploaded to, where training leaves what it makes, and where Terraform's state may lie."
  value = {
    sources  = google_storage_bucket.sources.name
    training = google_storage_bucket.training.name
    state    = google_storage_bucket.state.name
  }
}

output "next_steps" {
  description = "Commands, from the repository's root, in their order, for who deploys by hand."
  value = merge(
    {
      "1 say where" = join(" ", [
        "export GCP_PROJECT=${var.project_id} GCP_REGION=${var.region}",
        "GCP_BUILD_ACCOUNT=${google_service_account.this["build"].id} GCP_SOURCES_BUCKET=${google_storage_bucket.sources.name}",
      ])
      "2 build the API" = "image=$(scripts/cloud-build.sh serving/cloudbuild.yaml ${local.image})"
      "3 roll it out" = join(" ", [
        "make .venv/delivery/.ready && AIOT_ID_TOKEN=$(gcloud auth print-identity-token) .venv/delivery/bin/python -m delivery rollout",
        "--image $image --watch 0 --delay 0",
        "--project ${var.project_id} --region ${var.region} --service ${google_cloud_run_v2_service.api.name}",
      ])
      "4 publish readings" = join(" ", [
        "make .venv/local/.ready && .venv/local/bin/python -m simulator water --seed 7 --days 9 --leak dma-01:12%:-2d:2 --batch 96",
        "--sink pubsub --project ${var.project_id} --topic ${google_pubsub_topic.this["readings"].name}",
      ])
      "5 read decisions" = join(" ", [
        "gcloud pubsub subscriptions pull ${google_pubsub_subscription.pull["decisions"].name} --project ${var.project_id}",
        "--auto-ack --limit 10",
      ])
      "6 ask for incidents" = join(" ", [
        "bq query --project_id ${var.project_id} --use_legacy_sql=false",
        "'SELECT device_id, incident_id, MIN(window_end) AS since, MAX(score) AS peak",
        "FROM ${google_bigquery_dataset.this.dataset_id}.decisions WHERE incident_id IS NOT NULL GROUP BY 1, 2'",
      ])
      "7 build the training" = "image=$(scripts/cloud-build.sh notebooks/cloudbuild.yaml ${local.training_image})"
    },
    {
      for name, job in google_cloud_run_v2_job.training :
      "8 train ${name}" => join(" ", [
        "gcloud run jobs update ${job.name} --project ${var.project_id} --region ${var.region} --image $image",
        "&& gcloud run jobs execute ${job.name} --project ${var.project_id} --region ${var.region} --wait",
      ])
    },
  )
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
