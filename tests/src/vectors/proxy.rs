//! The server as a proxy of itself: `CONNECT` opens a tunnel to one of its own ports, whatever host
//! is asked for.

use std::{
    collections::HashSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

const CONNECT: &[u8] = b"CONNECT ";

/// The near ends of all tunnels: what comes from there came through the proxy.
#[derive(Debug, Default)]
pub(super) struct Tunnels(Mutex<HashSet<SocketAddr>>);

impl Tunnels {
    pub(super) fn has(&self, peer: SocketAddr) -> bool {
        self.ends().contains(&peer)
    }

    /// Serves a connection that starts with `CONNECT`, until it ends.
    pub(super) async fn serve(&self, mut near: TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let port = head
            .split(' ')
            .nth(1)
            .and_then(|authority| authority.rsplit_once(':')?.1.parse::<u16>().ok())
            .ok_or_else(|| io::Error::other("no port"))?;
        let mut far = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let end = far.local_addr()?;
        self.ends().insert(end);
        let served = async {
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            copy_bidirectional(&mut near, &mut far).await
        };
        let served = served.await;
        // While the socket is still open: after that another connection may have its port.
        self.ends().remove(&end);
        served.map(drop)
    }

    fn ends(&self) -> MutexGuard<'_, HashSet<SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection asks for a tunnel; takes nothing from it.
pub(super) async fn is_asked(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; CONNECT.len()];
    let length = stream.peek(&mut start).await?;
    Ok(&start[..length] == CONNECT)
}
