//! A port for a server that is started, killed and started again.
//!
//! A port that was merely seen to be free may be taken before its server listens, or while the server is down: the
//! system gives any free port of its ephemeral range to whatever connects or listens next. So this one lies below that
//! range (Linux gives 32768 and more, other systems 49152 and more), and it is reserved among all tests of the machine
//! by a UDP socket of the same number, which disturbs no TCP server and goes away with its process.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Ports to choose from.
const FIRST: u16 = 20_000;
const LAST: u16 = 31_999;

/// A reserved port of the loopback interface. Free for others once dropped.
pub struct Port {
    number: u16,
    _reserved: UdpSocket,
}

impl Port {
    /// Reserves a port that nothing listens on.
    ///
    /// # Errors
    /// When every one is taken.
    pub fn reserve() -> std::io::Result<Self> {
        // Processes begin at different places, so that they seldom ask for the same one.
        let begin = std::process::id() % u32::from(LAST - FIRST);
        let from_begin = (FIRST..=LAST).cycle().skip(begin as usize).take(usize::from(LAST - FIRST) + 1);
        for number in from_begin {
            let address = (Ipv4Addr::LOCALHOST, number);
            let Ok(reserved) = UdpSocket::bind(address) else { continue };
            if TcpListener::bind(address).is_ok() {
                return Ok(Self { number, _reserved: reserved });
            }
        }
        Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, format!("no port of {FIRST} to {LAST} is free")))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_given_to_nobody_else_while_its_server_is_down() {
        let first = Port::reserve().unwrap();
        let others: Vec<Port> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        assert!(others.iter().all(|other| other.number() != first.number()));
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, first.number())).unwrap();
        drop(server);
        assert_ne!(Port::reserve().unwrap().number(), first.number());
        TcpListener::bind((Ipv4Addr::LOCALHOST, first.number())).unwrap();
    }

    #[test]
    fn a_port_that_something_listens_on_is_passed_over() {
        let number = Port::reserve().unwrap().number();
        let _server = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert_ne!(Port::reserve().unwrap().number(), number);
    }
}
