#include "tools/mock/mock_provider.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <future>
#include <optional>
#include <thread>

#include "base/units.h"
#include "tools/mock/mock_shard.h"

namespace sluice {
namespace {

// "127.0.0.1:8001", "[::1]:0". No names: a mock listens where it is told.
std::expected<SocketAddress, std::string> parse_listen(std::string_view text) {
  const auto fault = std::unexpected(
      "the address to listen on looks like 127.0.0.1:0 or [::1]:0, not " + std::string(text));
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return fault;
  const std::optional<std::uint64_t> port = parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65535) return fault;
  std::string host(text.substr(0, colon));
  SocketAddress address;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* const in = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(static_cast<std::uint16_t>(*port));
    address.bytes = sizeof(sockaddr_in6);
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), &in->sin6_addr) != 1) return fault;
    return address;
  }
  auto* const in = reinterpret_cast<sockaddr_in*>(&address.storage);
  in->sin_family = AF_INET;
  in->sin_port = htons(static_cast<std::uint16_t>(*port));
  address.bytes = sizeof(sockaddr_in);
  if (inet_pton(AF_INET, host.c_str(), &in->sin_addr) != 1) return fault;
  return address;
}

std::uint16_t port_of(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

}  // namespace

struct MockProvider::Running {
  Running(MockScript script, std::size_t ledger_max) : state(std::move(script), ledger_max) {}

  // Starts one shard and waits until it listens, so that the next one shares its port.
  std::optional<std::string> start_shard(SocketAddress& address) {
    const auto index = static_cast<std::uint32_t>(threads.size());
    stops.push_back(std::make_unique<StopFlag>());
    std::promise<std::optional<std::string>> opened;
    std::future<std::optional<std::string>> result = opened.get_future();
    threads.emplace_back([this, index, &address, &opened, &stop = *stops.back()] {
      const auto shard = std::make_unique<MockShard>();
      std::optional<std::string> fault = shard->open(address);
      const bool failed = fault.has_value();
      opened.set_value(std::move(fault));  // `address` and `opened` are the caller's from here on
      if (!failed) shard->run(index, state, tls ? &*tls : nullptr, stop);
    });
    return result.get();
  }

  ProviderState state;
  std::optional<ServerTlsContext> tls;
  std::vector<std::unique_ptr<StopFlag>> stops;
  std::vector<std::thread> threads;
};

MockProvider::MockProvider() = default;
MockProvider::~MockProvider() { stop(); }

std::expected<std::uint16_t, std::string> MockProvider::start(MockOptions options) {
  SL_ASSERT(running_ == nullptr);
  std::expected<SocketAddress, std::string> address = parse_listen(options.listen);
  if (!address) return std::unexpected(address.error());
  auto running = std::make_unique<Running>(std::move(options.script), options.ledger_max);
  if (!options.certificate_file.empty()) {
    const CertificateFiles files{options.certificate_file, options.key_file};
    auto tls = ServerTlsContext::create(std::span(&files, 1));
    if (!tls) return std::unexpected(tls.error());
    running->tls.emplace(std::move(*tls));
  }
  const bool secure = running->tls.has_value();
  running_ = std::move(running);
  for (std::uint32_t i = 0; i < std::max(1u, options.shards); ++i) {
    if (std::optional<std::string> fault = running_->start_shard(*address)) {
      stop();
      return std::unexpected(*fault);
    }
  }
  const std::uint16_t port = port_of(*address);
  const std::string host = options.listen.substr(0, options.listen.rfind(':'));
  url_ = (secure ? "https://" : "http://") + host + ":" + std::to_string(port);
  return port;
}

void MockProvider::stop() {
  if (running_ == nullptr) return;
  for (const auto& stop : running_->stops) stop->raise();
  for (std::thread& thread : running_->threads) thread.join();
  running_.reset();
}

std::expected<void, std::string> MockProvider::set_script(std::string_view text) {
  return running_->state.set_script(text);
}

std::vector<MockExchange> MockProvider::ledger(const Ledger::Filter& filter) const {
  return running_->state.ledger().exchanges(filter);
}

std::vector<KeptRequest> MockProvider::latest(std::size_t count) const {
  return running_->state.ledger().latest(count, std::nullopt);
}

Ledger::Counts MockProvider::counts() const { return running_->state.ledger().counts(); }

void MockProvider::reset_ledger() { running_->state.ledger().reset(); }

}  // namespace sluice
