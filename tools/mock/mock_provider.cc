#include "tools/mock/mock_provider.h"

#include <future>
#include <optional>
#include <thread>

#include "engine/net/address.h"
#include "parser/listen_address.h"
#include "tools/mock/mock_shard.h"

namespace sluice {
struct MockProvider::Running {
  Running(MockScript script, std::size_t ledger_max) : state(std::move(script), ledger_max) {}

  // Starts one shard and waits until it listens, so that the next one shares its port.
  std::optional<std::string> start_shard(std::vector<SocketAddress>& addresses) {
    const auto index = static_cast<std::uint32_t>(threads.size());
    stops.push_back(std::make_unique<StopFlag>());
    std::promise<std::optional<std::string>> opened;
    std::future<std::optional<std::string>> result = opened.get_future();
    threads.emplace_back([this, index, &addresses, &opened, &stop = *stops.back()] {
      const auto shard = std::make_unique<MockShard>();
      std::optional<std::string> fault = shard->open(addresses);
      const bool failed = fault.has_value();
      opened.set_value(std::move(fault));  // `addresses` and `opened` are the caller's from here on
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
  const auto listen = parse_listen_address(options.listen);
  if (!listen) return std::unexpected(listen_refusal(options.listen, listen.error()));
  std::vector<SocketAddress> addresses;
  for (const IpAddress& ip : listen->ips()) addresses.push_back(socket_address(ip, listen->port));
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
    if (std::optional<std::string> fault = running_->start_shard(addresses)) {
      stop();
      return std::unexpected(*fault);
    }
  }
  url_ = (secure ? "https://" : "http://") + address_text(addresses.front());
  return port_of(addresses.front());
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
