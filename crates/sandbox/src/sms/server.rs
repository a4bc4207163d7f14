//! The SMPP server: one task per connection, which reads everything there is, answers it under one lock and writes once.

use super::session::{Session, nack};
use crate::core::Core;
use bytes::{Buf, BytesMut};
use rusmpp::CommandStatus;
use rusmpp::tokio_codec::CommandCodec;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::codec::Decoder;
use tokio_util::task::TaskTracker;

/// Longest PDU that is read; longer ones end the connection.
const MAX_PDU: usize = 70_000;

/// Accepts connections until shutdown.
pub(crate) async fn listen(core: Arc<Core>, listener: TcpListener, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = core.shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(serve(core.clone(), stream));
            }
            Err(error) => {
                tracing::warn!(%error, "the sandbox cannot accept an SMPP connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(core: Arc<Core>, stream: TcpStream) {
    let mut session = Session::default();
    if let Err(error) = converse(&core, stream, &mut session).await {
        tracing::debug!(%error, "an SMPP connection broke");
    }
    core.with(|state| session.end(state));
}

async fn converse(core: &Core, stream: TcpStream, session: &mut Session) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let mut input = BytesMut::with_capacity(64 * 1024);
    let mut output = BytesMut::with_capacity(64 * 1024);
    let timeout = core.config.smpp_response_timeout;
    loop {
        // Listening before looking: a delivery that becomes ready in between is not missed.
        let mut wake = pin!(core.delivery_wake.notified());
        wake.as_mut().enable();
        let due = core.with(|state| {
            let intact = answer(core, state, session, &mut input, &mut output);
            session.work(state, timeout, &mut output);
            if !intact {
                session.closing = true;
            }
            let real = state.clock.is_real() && session.wants_deliveries();
            real.then(|| state.network.next_due().map(|due| due - state.now())).flatten()
        });
        if !output.is_empty() {
            writer.write_all(&output).await?;
            output.clear();
        }
        if session.closing {
            return writer.shutdown().await;
        }
        let delivery_due = due.map(|ms| Instant::now() + Duration::from_millis(u64::try_from(ms.max(1)).unwrap_or(1)));
        let next = [session.next_work(timeout), delivery_due].into_iter().flatten().min();
        let timer = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = reader.read_buf(&mut input) => {
                if read? == 0 {
                    return Ok(());
                }
            }
            () = &mut wake => {}
            () = timer => {}
            () = core.shutdown.cancelled() => {
                session.unbind(&mut output);
                writer.write_all(&output).await?;
                return writer.shutdown().await;
            }
        }
    }
}

/// Answers every whole PDU in `input`. False when the stream cannot be understood any more.
fn answer(
    core: &Core,
    state: &mut crate::state::State,
    session: &mut Session,
    input: &mut BytesMut,
    output: &mut BytesMut,
) -> bool {
    while input.len() >= 16 && !session.closing {
        let length = u32::from_be_bytes([input[0], input[1], input[2], input[3]]) as usize;
        if !(16..=MAX_PDU).contains(&length) {
            nack(output, CommandStatus::EsmeRinvcmdlen, 0);
            return false;
        }
        if input.len() < length {
            input.reserve(length - input.len());
            return true;
        }
        if state.faults.carrier.fast && session.handle_fast(state, &input[..length], output) {
            input.advance(length);
            continue;
        }
        let mut pdu = input.split_to(length);
        let sequence = (&pdu[12..16]).get_u32();
        match CommandCodec::new().without_max_length().decode(&mut pdu) {
            Ok(Some(command)) => session.handle(state, &core.config, command, output),
            Ok(None) | Err(_) => nack(output, CommandStatus::EsmeRinvcmdlen, sequence),
        }
    }
    true
}
