# Who is told of what, and what to do then. Without an address the alerts are still there, in the console.
#
# Each looks at a metric that an empty project does not have yet, so that Cloud Monitoring must not insist on it; the one
# on incidents reads the function's log.

locals {
  # the line that functions/incidents.py writes
  incident_opened = join("\n", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${google_cloudfunctions2_function.this.name}\"",
    "log_id(\"run.googleapis.com/stdout\")",
    "jsonPayload.message=\"incident opened\"",
  ])

  alerts = {
    api-errors = {
      title    = "API: errors"
      severity = "CRITICAL"
      query    = "${local.error_share.api} > ${var.alerts.api_error_share}"
      hold_s   = 300
      text     = <<-EOT
        More than ${var.alerts.api_error_share * 100} % of the API's answers were errors (5xx) for five minutes. Readings are
        not lost: Pub/Sub delivers them again for about 100 minutes, then they become dead letters.

        1. Was a revision delivered just now? Go back: `make rollback`.
        2. Else read the errors: `gcloud run services logs read ${google_cloud_run_v2_service.api.name} --region ${var.region} --project ${var.project_id}`.
        3. Instances killed for want of memory, or all of them busy: raise `api.memory` or `api.max_instances`, and apply.
      EOT
    }
    api-latency = {
      title    = "API: slow"
      severity = "WARNING"
      query = join(" ", [
        "histogram_quantile(0.99, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{${local.series.api}}[5m])))",
        "> ${var.alerts.api_p99_ms}",
      ])
      hold_s = 600
      text   = <<-EOT
        One request in a hundred took longer than ${var.alerts.api_p99_ms} ms, for ten minutes. Decisions come late; the
        function gives up an attempt after 10 s.

        1. Look at the dashboard: are there more requests than before, or as many instances as `api.max_instances` allows?
           Raise it, and apply.
        2. Few requests, and each starts an instance: `api.min_instances = 1` keeps one warm.
        3. Since a delivery? A slower bundle: `make rollback`.
      EOT
    }
    readings-wait = {
      title    = "Readings wait"
      severity = "CRITICAL"
      query    = "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local.series.push}}) > ${var.alerts.oldest_unacked_s}"
      hold_s   = 120
      text     = <<-EOT
        The oldest reading has waited for more than ${var.alerts.oldest_unacked_s} s. Nothing is decided on for the devices
        behind it. After 100 attempts, at least 100 minutes, readings become dead letters.

        1. Is the API down? Its own alert comes first then.
        2. Read what the function says: `gcloud run services logs read ${google_cloudfunctions2_function.this.name} --region ${var.region} --project ${var.project_id}`.
           `not now` names what it waits for, `unexpected` is a bug.
        3. Only more readings than usual: raise `function.max_instances`, and apply.
      EOT
    }
    dead-letters = {
      title    = "Dead letters"
      severity = "ERROR"
      query    = "${local.dead_letters} > ${var.alerts.dead_letters}"
      hold_s   = 0
      text     = <<-EOT
        Messages were given up after 100 attempts and wait, for ${var.pubsub.kept_days} days, in `${google_pubsub_subscription.pull["readings-dead"].name}`
        (readings that nothing was decided on) or `${google_pubsub_subscription.pull["bigquery-dead"].name}` (messages that are not in BigQuery).

        1. Look, without taking: `gcloud pubsub subscriptions pull <subscription> --project ${var.project_id} --limit 5`.
        2. Mend the cause: the function's log names it.
        3. Readings: publish them again with `make redrive FROM=dead` (it counts them first), or let the devices go on
           from now: windows fill anew by themselves. What comes back too late for its window is counted as late.
           The alert closes by itself once the subscription is empty.
      EOT
    }
    parked = {
      title    = "Parked messages"
      severity = "WARNING"
      query    = "${local.parked_an_hour} > ${var.alerts.parked_an_hour}"
      hold_s   = 0
      text     = <<-EOT
        Messages were no valid readings (more than ${var.alerts.parked_an_hour} in an hour) and were put aside, for
        ${var.pubsub.kept_days} days. Nothing was decided on for their devices.

        1. See which devices, and why (attribute `code`): `gcloud pubsub subscriptions pull ${google_pubsub_subscription.pull["readings-parked"].name} --project ${var.project_id} --limit 5`.
        2. `unknown_profile`: the API has no model of that name; was a bundle removed? Else the sender must be mended.
      EOT
    }
  }

  dashboard_url = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.this.id)}?project=${var.project_id}"
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  display_name = "AIoT on call${local.suffix}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  display_name          = "AIoT${local.suffix}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.name]

  conditions {
    display_name = each.value.title

    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "${each.value.hold_s}s"
      evaluation_interval = "60s"
      # the metric comes into being with the first request or message
      disable_metric_validation = true
    }
  }

  alert_strategy {
    # when the metric stops coming
    auto_close = "${1 * local.days}s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.text
    links {
      display_name = "Dashboard"
      url          = local.dashboard_url
    }
  }

  depends_on = [google_project_service.this]
}

# For operators, not for who is on call for the system: a device needs somebody to look at it.
resource "google_monitoring_alert_policy" "incident_opened" {
  display_name          = "AIoT${local.suffix}: incident opened"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.name]

  conditions {
    display_name = "The function opened an incident"

    condition_matched_log {
      filter = local.incident_opened
      # each incident is told of, not each line: Pub/Sub may deliver what opened it twice
      label_extractors = { for field in local.incident_fields : field => "EXTRACT(jsonPayload.${field})" }
    }
  }

  alert_strategy {
    # the log cannot say that it is over; the incident's own end is in the decisions
    auto_close = "${7 * local.days}s"
    notification_rate_limit {
      period = "300s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "$${log.extracted_label.profile}: $${log.extracted_label.device_id}"
    content   = <<-EOT
      Device **$${log.extracted_label.device_id}** (profile **$${log.extracted_label.profile}**) since
      $${log.extracted_label.since}: **$${log.extracted_label.kind}**.

      `silent` means that it sends nothing any more: is it switched off, without power or out of reach? `anomaly` means
      that what it measures is not as it should be, most of all **$${log.extracted_label.sensor}**; its score is
      $${log.extracted_label.score}, where 1.0 is the threshold.

      1. What was measured and what was expected: the decisions of this device in BigQuery, view
         `${google_bigquery_dataset.this.dataset_id}.${google_bigquery_table.view["decisions"].table_id}`, incident
         `$${log.extracted_label.incident_id}`.
      2. Is work going on there? `python -m functions maintenance PROFILE DEVICE --hours 4` opens no further incidents.
         Was the meter changed? `python -m functions recalibrate PROFILE DEVICE`. Else send somebody.
      3. The incident closes by itself when the device is normal, or sends, again; this alert after seven days.
    EOT
    links {
      display_name = "Dashboard"
      url          = local.dashboard_url
    }
  }

  depends_on = [google_project_service.this]
}

locals {
  incident_fields = ["profile", "device_id", "incident_id", "kind", "since", "sensor", "score"]
}
