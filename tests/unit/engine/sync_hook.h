#pragma once

namespace sluice::test {

// SyncHook - stands in for fdatasync in this program, which LMDB alone calls: lets it hang or fail.
//
// Affinity  any thread; one test at a time.
class SyncHook {
 public:
  // From now on whoever syncs waits, until let_go().
  static void hold();
  static void let_go();
  // Until somebody waits; at once where somebody does.
  static void wait_until_held();
  // The next `times` calls fail with `os_errno`.
  static void fail(int times, int os_errno);

  // For the function that stands in: 0, or an errno number.
  static int enter();
};

}  // namespace sluice::test
