//! TCP connections: how many there may be, and for how long they may keep a request waiting.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use crate::{
    Tuning,
    metrics::{Counted, Metrics},
    state::stopped,
};

/// File descriptors that are left for the journal, the pages and the listener when all others are
/// sockets.
const RESERVED_FILES: u64 = 128;

/// A request's head, longer than any browser's.
const HEAD_BYTES: usize = 16 * 1024;

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Accepts connections until the server is to stop, then waits until all requests are answered.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    tuning: &Tuning,
    metrics: Arc<Metrics>,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Places::new(tuning));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(tuning.request_timeout)
        .max_buf_size(HEAD_BYTES)
        .half_close(false);
    let mut open = JoinSet::new();
    loop {
        let (stream, address) = tokio::select! {
            () = stopped(&mut stopping) => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    not_accepted(&error).await;
                    continue;
                }
            }
        };
        let place = match places.take(address) {
            Ok(place) => place,
            Err(Full::All) => {
                metrics.sockets_refused.fetch_add(1, Relaxed);
                continue;
            }
            Err(Full::Address) => {
                metrics.sockets_refused_address.fetch_add(1, Relaxed);
                continue;
            }
        };
        // A frame that waits for a full segment is late.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off Nagle's algorithm");
        }
        let socket = Socket {
            stream,
            _place: place,
            _counted: metrics.count(|metrics| &metrics.sockets),
        };
        let router = router.clone().layer(Extension(Peer(address.ip())));
        let connection = http
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router))
            .with_upgrades();
        let (metrics, mut stopping) = (metrics.clone(), stopping.clone());
        open.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopped(&mut stopping) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if ended.is_err_and(|error| error.is_timeout()) {
                metrics.request_timeouts.fetch_add(1, Relaxed);
            }
        });
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn not_accepted(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionRefused | ConnectionAborted | ConnectionReset
    ) {
        tracing::warn!(%error, "no connection can be accepted: trying again in a second");
        sleep(Duration::from_secs(1)).await;
    }
}

/// How many connections there are, in all and of each address.
struct Places {
    all: usize,
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    each: BTreeMap<IpAddr, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    All,
    Address,
}

/// Held by a connection.
struct Place {
    places: Arc<Places>,
    origin: IpAddr,
}

impl Places {
    fn new(tuning: &Tuning) -> Self {
        Self {
            all: affordable(tuning.sockets),
            each: tuning.sockets_per_address,
            taken: Mutex::default(),
        }
    }

    fn take(self: &Arc<Self>, address: SocketAddr) -> Result<Place, Full> {
        let origin = origin(address.ip());
        let mut taken = self.lock();
        if taken.all >= self.all {
            return Err(Full::All);
        }
        let each = taken.each.entry(origin).or_default();
        if *each >= self.each {
            return Err(Full::Address);
        }
        *each += 1;
        taken.all += 1;
        drop(taken);
        Ok(Place {
            places: self.clone(),
            origin,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(each) = taken.each.get_mut(&self.origin) {
            *each = each.saturating_sub(1);
            if *each == 0 {
                taken.each.remove(&self.origin);
            }
        }
    }
}

/// What counts as one address: a household has 2^64 of IPv6.
pub(crate) fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// As many of `wanted` sockets as the operating system lets this process have; it is asked for as
/// many as it gives. Without descriptors to spare, strangers could keep the journal from being
/// read.
#[cfg(unix)]
fn affordable(wanted: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        let soft = limit.current;
        let needed = wanted as u64 + RESERVED_FILES;
        let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
        limit.current = Some(raised.max(soft.unwrap_or(0)));
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit.current = soft;
        }
    }
    let Some(files) = limit.current else {
        return wanted;
    };
    let sockets = files.saturating_sub(RESERVED_FILES).max(files / 2);
    let affordable = wanted.min(usize::try_from(sockets).unwrap_or(usize::MAX));
    // A few less than were wanted is nothing to worry about.
    if affordable < wanted / 2 {
        tracing::warn!(
            files,
            sockets = affordable,
            wanted,
            "the operating system allows few open files: raise the limit with `ulimit -n`"
        );
    }
    affordable
}

#[cfg(not(unix))]
fn affordable(wanted: usize) -> usize {
    wanted
}

/// A TCP connection that gives back its place when it is dropped.
struct Socket {
    stream: TcpStream,
    _place: Place,
    _counted: Counted,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_come_back() {
        let places = Arc::new(Places {
            all: 3,
            each: 2,
            taken: Mutex::default(),
        });
        let take = |address: &str| places.take(SocketAddr::new(address.parse().unwrap(), 1));
        let one = take("10.0.0.1").unwrap();
        let two = take("::ffff:10.0.0.1").unwrap();
        assert_eq!(take("10.0.0.1").err(), Some(Full::Address));
        let three = take("2001:db8::1").unwrap();
        assert_eq!(take("10.0.0.2").err(), Some(Full::All));
        drop((one, two));
        let four = take("2001:db8::ffff:2").unwrap();
        assert_eq!(take("2001:db8::3").err(), Some(Full::Address));
        drop((three, four));
        assert!(places.lock().each.is_empty());
        assert_eq!(places.lock().all, 0);
    }
}
