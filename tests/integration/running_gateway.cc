#include "tests/integration/running_gateway.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <latch>

#include "engine/build_snapshot.h"
#include "engine/net/address.h"
#include "tests/unit/config/config_text.h"

namespace sluice {

RunningGateway::RunningGateway(std::string_view yaml, std::function<void()> on_thread)
    : log_fd_(open("/dev/null", O_WRONLY | O_CLOEXEC)),
      log_writer_(log_fd_, LogFormat::kText, clock_),
      control_(Shard::Options{.index = 1}, control_kernel_, clock_,
               Log(log_writer_.add_producer(), clock_, LogLevel::kInfo, LogFormat::kText)) {
  if (!prepare(yaml)) return;
  const auto opened = std::make_shared<std::latch>(1);
  thread_ = std::thread([this, opened, on_thread = std::move(on_thread)] {
    on_thread();
    EXPECT_EQ(gateway_kernel_.open(UringKernel::Options{}), 0);
    opened->count_down();
    gateway_->run();
  });
  opened->wait();
}

bool RunningGateway::prepare(std::string_view yaml) {
  EXPECT_EQ(control_kernel_.open(UringKernel::Options{}), 0);
  const Loaded config = load_text(yaml);
  EXPECT_TRUE(config) << errors_of(config);
  if (!config) return false;
  const auto snapshot = build_snapshot(*config, nullptr, nullptr);
  EXPECT_TRUE(snapshot) << (snapshot ? "" : snapshot.error().text());
  if (!snapshot) return false;
  snapshot_ = *snapshot;
  const Log log(log_writer_.add_producer(), clock_, LogLevel::kInfo, LogFormat::kText);
  gateway_.emplace(Shard::Options{}, gateway_kernel_, clock_, log, UpstreamPools::Limits{});
  dispatcher_.emplace(gateway_->shard(), 1);
  EXPECT_EQ(gateway_->prepare(*snapshot, std::make_shared<const HostsFile>(), *dispatcher_), "");
  const Result<SocketAddress> got = gateway_->listen(socket_address(kLoopback4, 0));
  EXPECT_TRUE(got);
  port_ = got ? port_of(*got) : 0;
  return port_ != 0;
}

void RunningGateway::publish_hosts(std::string_view hosts_file) {
  struct Delivery final : Letter {
    Delivery(GatewayShard& gateway, Publication publication)
        : Letter(&Delivery::read), gateway(&gateway), publication(std::move(publication)) {}
    static void read(Shard&, Letter& letter) {
      auto& self = static_cast<Delivery&>(letter);
      self.gateway->publish(std::move(self.publication));
      self.arrived.count_down();
    }
    GatewayShard* gateway;
    Publication publication;
    std::latch arrived{1};
  } delivery(*gateway_,
             {snapshot_, std::make_shared<const HostsFile>(HostsFile::parse(hosts_file))});
  control_.post(gateway_->shard(), delivery);
  control_.turn(control_.now());
  delivery.arrived.wait();
}

RunningGateway::~RunningGateway() {
  if (thread_.joinable()) {
    struct Drain final : Letter {
      explicit Drain(GatewayShard& gateway) : Letter(&Drain::read), gateway(&gateway) {}
      static void read(Shard&, Letter& letter) {
        static_cast<Drain&>(letter).gateway->begin_drain(DrainPlan{});
      }
      GatewayShard* gateway;
    };
    Drain drain(*gateway_);
    control_.post(gateway_->shard(), drain);
    control_.turn(control_.now());
    thread_.join();
  }
  close(log_fd_);
}

}  // namespace sluice
