//! Notices when a function first asks for an event: everything that it did before is its init phase.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Stopwatch;

/// Stands between a function and its Runtime API and passes on what they say. It ends when it is dropped.
pub(crate) struct Doorbell {
    address: SocketAddr,
    rang: Arc<OnceLock<Stopwatch>>,
    porter: JoinHandle<()>,
}

impl Drop for Doorbell {
    fn drop(&mut self) {
        self.porter.abort();
    }
}

impl Doorbell {
    /// Begins to listen in front of a Runtime API.
    ///
    /// # Errors
    /// When no port can be bound.
    pub(crate) async fn before(runtime: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rang = Arc::new(OnceLock::new());
        let porter = tokio::spawn(open(listener, runtime, Arc::clone(&rang)));
        Ok(Self {
            address,
            rang,
            porter,
        })
    }

    /// Where the function finds its Runtime API.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the function first came.
    pub(crate) fn rang(&self) -> Option<Stopwatch> {
        self.rang.get().copied()
    }
}

async fn open(listener: TcpListener, runtime: SocketAddr, rang: Arc<OnceLock<Stopwatch>>) {
    // Connections end with the doorbell.
    let mut connections = JoinSet::new();
    // Without a listener the function gets no answer, which is what is then reported.
    while let Ok((mut function, _)) = listener.accept().await {
        rang.get_or_init(Stopwatch::start);
        connections.spawn(async move {
            let mut runtime = TcpStream::connect(runtime).await?;
            copy_bidirectional(&mut function, &mut runtime).await
        });
    }
}
