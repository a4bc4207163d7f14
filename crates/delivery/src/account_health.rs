//! What an SMS account is doing, for whoever watches the metrics.

use std::time::Duration;

use segue_channels::smpp::SmppStats;
use segue_store::channel::Channel;

/// Publishes a look at an account. The channel's id is the label: names may hold anything.
pub(crate) fn publish(channel: &Channel, stats: &SmppStats) {
    let id = channel.id.to_string();
    let gauge = |name: &'static str, value: f64| metrics::gauge!(name, "channel" => id.clone()).set(value);
    gauge("segue_smpp_binds", f64::from(stats.binds));
    gauge("segue_smpp_in_flight", f64::from(stats.in_flight));
    gauge("segue_smpp_waiting", f64::from(stats.waiting));
    gauge("segue_smpp_unacknowledged", f64::from(stats.unacknowledged));
    gauge("segue_smpp_rate_segments_per_second", stats.rate);
    for (quantile, took) in [("0.5", stats.response_p50), ("0.99", stats.response_p99)] {
        let seconds = took.unwrap_or(Duration::ZERO).as_secs_f64();
        metrics::gauge!("segue_smpp_response_seconds", "channel" => id.clone(), "quantile" => quantile).set(seconds);
    }
    let answers = [
        ("accepted", stats.accepted),
        ("throttled", stats.throttled),
        ("refused", stats.refused),
        ("unanswered", stats.unanswered),
    ];
    for (answer, count) in answers {
        metrics::counter!("segue_smpp_answers_total", "channel" => id.clone(), "answer" => answer).absolute(count);
    }
    metrics::counter!("segue_smpp_segments_total", "channel" => id.clone()).absolute(stats.sent);
    metrics::counter!("segue_smpp_deliveries_total", "channel" => id).absolute(stats.received);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use segue_store::channel::{ChannelConfig, ChannelState, SmppConfig};

    use super::*;

    #[test]
    fn everything_is_published() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let channel = Channel {
            workspace_id: segue_model::WorkspaceId(uuid::Uuid::nil()),
            id: segue_model::ChannelId(uuid::Uuid::nil()),
            slug: "sms".to_owned(),
            name: "SMS".to_owned(),
            config: ChannelConfig::Smpp(SmppConfig::new("h", 1, "s", "p")),
            flow_slug: None,
            queue_slug: None,
            state: ChannelState::Connected,
            state_detail: None,
            refusal: None,
            last_inbound_at: None,
            created_at: segue_model::Timestamp(0),
            conversation: segue_store::shared::Shared::default(),
        };
        metrics::with_local_recorder(&recorder, || {
            publish(
                &channel,
                &SmppStats { throttled: 3, response_p99: Some(Duration::from_millis(250)), ..SmppStats::default() },
            );
        });
        let text = handle.render();
        for line in ["answer=\"throttled\"} 3", "quantile=\"0.99\"} 0.25", "segue_smpp_in_flight", "segue_smpp_binds"] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
    }
}
