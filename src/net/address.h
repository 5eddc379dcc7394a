#pragma once
// Which socket addresses belong to this machine or a private network.

#include <string_view>

struct sockaddr;

namespace shenbi::net {

/// Loopback, unspecified, link-local, RFC 1918, carrier-grade NAT (RFC 6598), unique local and IPv4-mapped forms of
/// these. An address family that is neither IPv4 nor IPv6 counts as private.
bool is_private_address(const sockaddr& address) noexcept;

/// The same for a numeric address, "10.0.0.1" or "fe80::1" (without brackets). What is no such address counts as
/// private.
bool is_private_address(std::string_view numeric) noexcept;

}  // namespace shenbi::net
