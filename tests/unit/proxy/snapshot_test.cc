#include "engine/proxy/snapshot.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/test_directory.h"
#include "tests/unit/tls/test_certificates.h"

namespace sluice {
namespace {

// A snapshot whose end can be seen.
struct Watched {
  std::shared_ptr<const Snapshot> shared = std::make_shared<Snapshot>();
  std::weak_ptr<const Snapshot> alive = shared;
  SnapshotRef take() { return SnapshotRef(std::exchange(shared, nullptr)); }
};

TEST(SnapshotRef, TheLastUserEndsIt) {
  Watched watched;
  auto first = std::make_unique<SnapshotRef>(watched.take());
  auto second = std::make_unique<SnapshotRef>(*first);
  EXPECT_EQ(&**first, &**second);
  first.reset();
  EXPECT_FALSE(watched.alive.expired());
  second.reset();
  EXPECT_TRUE(watched.alive.expired());
}

TEST(SnapshotRef, ANewOneTakesTheOldOnesPlace) {
  Watched old_one, new_one;
  SnapshotRef current = old_one.take();
  SnapshotRef exchange = current;  // as an exchange that began before the reload keeps it
  current = new_one.take();
  EXPECT_FALSE(old_one.alive.expired());
  EXPECT_NE(&*current, &*exchange);
  exchange = SnapshotRef();
  EXPECT_TRUE(old_one.alive.expired());
  EXPECT_FALSE(new_one.alive.expired());
}

TEST(SnapshotRef, MovedSwappedAndAssignedToItselfItCountsOnce) {
  Watched watched;
  {
    SnapshotRef first = watched.take();
    SnapshotRef second = std::move(first);
    SnapshotRef& same = second;
    second = same;
    std::swap(first, second);
    first = std::move(second);
    EXPECT_FALSE(watched.alive.expired());
  }
  EXPECT_TRUE(watched.alive.expired());
}

TEST(SnapshotRef, AnEmptyOneCanBeCopiedAndFilled) {
  SnapshotRef empty;
  SnapshotRef copy = empty;
  Watched watched;
  copy = watched.take();
  EXPECT_EQ(copy->settings.connections_max, ProxySettings{}.connections_max);
}

TEST(Snapshot, AnAccountsFileOfAuthoritiesGoesBeforeTheSystems) {
  const TestDirectory files;
  const std::string path = files.write("a.pem", TestAuthority("one of ours").certificate_pem());
  const auto trust = TrustStore::from_file(path);
  ASSERT_TRUE(trust) << trust.error();
  Snapshot snapshot;
  EXPECT_EQ(snapshot.trust_for(""), nullptr);
  snapshot.ca_files.emplace_back("a.pem", *trust);
  snapshot.ca_files.emplace_back("b.pem", *trust);
  EXPECT_EQ(snapshot.trust_for(""), nullptr);
  EXPECT_EQ(snapshot.trust_for("a.pem"), &snapshot.ca_files[0].second);
  EXPECT_EQ(snapshot.trust_for("b.pem"), &snapshot.ca_files[1].second);
  snapshot.system_trust = *trust;
  EXPECT_EQ(snapshot.trust_for(""), &*snapshot.system_trust);
  EXPECT_EQ(snapshot.trust_for("a.pem"), &snapshot.ca_files[0].second);
  // Never the system's for an account that asks for others.
  EXPECT_EQ(snapshot.trust_for("c.pem"), nullptr);
}

}  // namespace
}  // namespace sluice
