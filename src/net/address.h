#pragma once
// Which socket addresses belong to this machine or a private network.

struct sockaddr;

namespace shenbi::net {

/// Loopback, unspecified, link-local, RFC 1918, carrier-grade NAT (RFC 6598), unique local and IPv4-mapped forms of
/// these. An address family that is neither IPv4 nor IPv6 counts as private.
bool is_private_address(const sockaddr& address) noexcept;

}  // namespace shenbi::net
