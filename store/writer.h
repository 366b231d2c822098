#pragma once

#include <thread>
#include <utility>

#include "base/assert.h"
#include "store/environment.h"

namespace sluice {

// Writer - the right to change a store: there is one per environment (INVARIANTS L1).
//
// Affinity  the thread that made it; asserted.
// Lifetime  within its environment.
class Writer {
 public:
  explicit Writer(StoreEnvironment& environment) : environment_(&environment) {
    SL_ASSERT(!environment.read_only());
    SL_ASSERT(!environment.has_writer_.exchange(true));
  }
  ~Writer() { environment_->has_writer_ = false; }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  [[nodiscard]] StoreEnvironment& environment() const noexcept { return *environment_; }

  // Runs `body`, which takes a WriteTransaction& and returns a StoreResult, and commits. When the
  // map is full it is enlarged and `body` runs again, so that it must not leave anything behind
  // outside of the transaction. After an error nothing of it has happened: kReadersBusy, kMapFull
  // and kDiskFull may be tried again later, kBroken after the environment was opened anew.
  template <class Body>
  [[nodiscard]] auto transact(Body&& body) -> decltype(body(std::declval<WriteTransaction&>())) {
    SL_ASSERT(std::this_thread::get_id() == owner_);
    for (;;) {
      auto transaction = environment_->begin_write();
      if (!transaction) return store_fail(transaction.error());
      auto result = body(*transaction);
      StoreError error;
      if (result) {
        const auto committed = transaction->commit();
        if (committed) {
          environment_->committed();
          return result;
        }
        error = committed.error();
        if (error.code != StoreErrc::kMapFull) environment_->commit_failed();
      } else {
        error = result.error();
        transaction->end();
      }
      error = environment_->look_into(error);
      if (error.code != StoreErrc::kMapFull) return store_fail(error);
      SL_STORE_TRY(environment_->grow());
    }
  }

 private:
  StoreEnvironment* environment_;
  std::thread::id owner_ = std::this_thread::get_id();
};

}  // namespace sluice
