//! Notices when a function first asks for an event: everything that it did before is its init phase.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::Stopwatch;

/// Stands between a function and its Runtime API and passes on what they say. It ends when it is dropped.
pub(crate) struct Doorbell {
    address: SocketAddr,
    rang: watch::Receiver<Option<Stopwatch>>,
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
        let (bell, rang) = watch::channel(None);
        let porter = tokio::spawn(open(listener, runtime, bell));
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
        *self.rang.borrow()
    }

    /// Waits until the function comes for the first time, and says when that was.
    pub(crate) async fn ring(&self) -> Option<Stopwatch> {
        let mut rang = self.rang.clone();
        // The porter never ends before it is told to, and keeps the sender.
        *rang.wait_for(Option::is_some).await.ok()?
    }
}

async fn open(listener: TcpListener, runtime: SocketAddr, bell: watch::Sender<Option<Stopwatch>>) {
    // Connections end with the doorbell.
    let mut connections = JoinSet::new();
    // Without a listener the function gets no answer, which is what is then reported.
    while let Ok((mut function, _)) = listener.accept().await {
        bell.send_if_modified(|rang| rang.is_none() && rang.replace(Stopwatch::start()).is_none());
        connections.spawn(async move {
            let mut runtime = TcpStream::connect(runtime).await?;
            // Small pieces must not wait for one another's acknowledgement.
            function.set_nodelay(true)?;
            runtime.set_nodelay(true)?;
            copy_bidirectional(&mut function, &mut runtime).await
        });
    }
}
