# Somebody is told, in time, and knows what to do.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "alerts_need_no_address" {
  command = plan

  assert {
    condition = (
      toset(keys(google_monitoring_alert_policy.this)) == toset(["api-errors", "api-latency", "readings-wait", "dead-letters", "parked"]) &&
      length(google_monitoring_notification_channel.email) == 0
    )
    error_message = "An alert is missing where no address is given, or a channel was made for nobody."
  }
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.this["api-errors"].conditions[0].condition_prometheus_query_language[0].query, "response_code_class=\"5xx\"}[5m])) / sum(") &&
      endswith(google_monitoring_alert_policy.this["api-errors"].conditions[0].condition_prometheus_query_language[0].query, "> 0.05")
    )
    error_message = "The API's errors are not told of from a share of 5 %."
  }
  assert {
    condition = (
      startswith(google_monitoring_alert_policy.this["api-latency"].conditions[0].condition_prometheus_query_language[0].query, "histogram_quantile(0.99, ") &&
      endswith(google_monitoring_alert_policy.this["api-latency"].conditions[0].condition_prometheus_query_language[0].query, "> 2000")
    )
    error_message = "The API's p99 latency is not told of from 2 s."
  }
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.this["readings-wait"].conditions[0].condition_prometheus_query_language[0].query, "oldest_unacked_message_age{monitored_resource=\"pubsub_subscription\",subscription_id=\"readings-push\"}") &&
      endswith(google_monitoring_alert_policy.this["readings-wait"].conditions[0].condition_prometheus_query_language[0].query, "> 600")
    )
    error_message = "Readings that wait for ten minutes are not told of."
  }
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.this["dead-letters"].conditions[0].condition_prometheus_query_language[0].query, "subscription_id=~\"bigquery-dead-pull|readings-dead-pull\"") &&
      endswith(google_monitoring_alert_policy.this["dead-letters"].conditions[0].condition_prometheus_query_language[0].query, "> 0")
    )
    error_message = "Dead letters are not told of, or not those of both subscriptions."
  }
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.this["parked"].conditions[0].condition_prometheus_query_language[0].query, "topic_id=\"readings-parked\"") &&
      endswith(google_monitoring_alert_policy.this["parked"].conditions[0].condition_prometheus_query_language[0].query, "> 0")
    )
    error_message = "Parked messages are not told of."
  }
  assert {
    condition = alltrue([
      for a in google_monitoring_alert_policy.this : a.conditions[0].condition_prometheus_query_language[0].disable_metric_validation
    ])
    error_message = "The first apply would stop: an empty project does not have the metrics that the alerts look at."
  }
  assert {
    condition = google_monitoring_alert_policy.incident_opened.conditions[0].condition_matched_log[0].filter == join("\n", [
      "resource.type=\"cloud_run_revision\"",
      "resource.labels.service_name=\"aiot-readings\"",
      "log_id(\"run.googleapis.com/stdout\")",
      "jsonPayload.message=\"incident opened\"",
    ])
    error_message = "An incident that the function logs is not told of."
  }
  assert {
    condition = google_monitoring_alert_policy.incident_opened.conditions[0].condition_matched_log[0].label_extractors == tomap({
      for field in ["profile", "device_id", "incident_id", "kind", "since", "sensor", "score"] : field => "EXTRACT(jsonPayload.${field})"
    })
    error_message = "An incident's alert does not say which device, since when, which sensor, how sure."
  }
  assert {
    condition = alltrue([
      for field in ["profile", "device_id", "incident_id", "kind", "since", "sensor", "score"] :
      strcontains(google_monitoring_alert_policy.incident_opened.documentation[0].content, "$${log.extracted_label.${field}}")
    ])
    error_message = "The text of an incident's alert leaves out what the log says of it."
  }
  assert {
    condition     = google_monitoring_alert_policy.incident_opened.alert_strategy[0].notification_rate_limit[0].period == "300s"
    error_message = "Cloud Monitoring refuses an alert on logs without a limit on its rate."
  }
  assert {
    condition = alltrue([
      for a in concat(values(google_monitoring_alert_policy.this), [google_monitoring_alert_policy.incident_opened]) :
      contains(["CRITICAL", "ERROR", "WARNING"], a.severity) && a.alert_strategy[0].auto_close != null &&
      length(regexall("(?m)^[123]\\. ", a.documentation[0].content)) >= 2
    ])
    error_message = "An alert has no severity, never closes, or does not say what to do."
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles) == 14
    error_message = "The dashboard does not have its fourteen charts."
  }
  assert {
    condition = alltrue([
      for what in [
        "request_count{monitored_resource=\"cloud_run_revision\",service_name=\"aiot-api\"", "request_latencies_bucket",
        "service_name=\"aiot-readings\"", "container_instance_count", "num_undelivered_messages",
        "oldest_unacked_message_age", "topic_id=\"readings-parked\"", "topic_id=\"decisions\"",
        "logging_googleapis_com:user_aiot_incidents_opened",
        ] : strcontains(
        join("\n", flatten([
          for tile in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles :
          tile.widget.xyChart.dataSets[*].timeSeriesQuery.prometheusQuery
        ])),
        what
      )
    ])
    error_message = "The dashboard leaves out calls, messages or decisions."
  }
  assert {
    condition = (
      google_logging_metric.incidents_opened.name == "aiot_incidents_opened" &&
      google_logging_metric.incidents_opened.filter == google_monitoring_alert_policy.incident_opened.conditions[0].condition_matched_log[0].filter
    )
    error_message = "The dashboard counts other incidents than those that are told of."
  }
}

run "two_addresses_are_told_of_everything" {
  variables {
    environment  = "dev"
    alert_emails = ["on-call@example.com", "water@example.com"]
    alerts = {
      api_error_share = 0.2, api_p99_ms = 500, oldest_unacked_s = 60, dead_letters = 10, parked_an_hour = 20
    }
  }

  assert {
    condition = (
      toset([for c in google_monitoring_notification_channel.email : c.labels.email_address]) == toset(["on-call@example.com", "water@example.com"]) &&
      alltrue([for c in google_monitoring_notification_channel.email : c.type == "email"])
    )
    error_message = "There is no channel for an address."
  }
  assert {
    condition = alltrue([
      for a in concat(values(google_monitoring_alert_policy.this), [google_monitoring_alert_policy.incident_opened]) :
      toset(a.notification_channels) == toset([for c in google_monitoring_notification_channel.email : c.name])
    ])
    error_message = "An address is not told of an alert."
  }
  assert {
    condition = {
      for name, a in google_monitoring_alert_policy.this :
      name => regex("> ([0-9.]+)$", a.conditions[0].condition_prometheus_query_language[0].query)[0]
    } == { api-errors = "0.2", api-latency = "500", dead-letters = "10", parked = "20", readings-wait = "60" }
    error_message = "A threshold is not the one that was asked for."
  }
  assert {
    condition = alltrue([
      for name in concat(
        [for a in google_monitoring_alert_policy.this : a.display_name],
        [google_monitoring_alert_policy.incident_opened.display_name, jsondecode(google_monitoring_dashboard.this.dashboard_json).displayName],
      ) : strcontains(name, "-dev")
    ]) && google_logging_metric.incidents_opened.name == "aiot_incidents_opened_dev"
    error_message = "Two environments would share alerts, the dashboard or the count of incidents."
  }
}

run "bad_alerts_are_refused" {
  command = plan

  variables {
    alert_emails = ["on-call"]
    alerts       = { api_error_share = 5 }
  }

  expect_failures = [var.alert_emails, var.alerts]
}
