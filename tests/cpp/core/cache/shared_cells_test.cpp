// SPDX-License-Identifier: AGPL-3.0-only
#include "core/cache/shared_cells.h"

#include "check.h"

using namespace sentiric;

TEST(SharedCells, ACopySharesWithAllThatHaveTheCells) {
  SharedCells cells(4);
  EXPECT_EQ(cells.NumShared(0), 0);
  cells.OnCopied(0, 1, 100);
  cells.OnCopied(1, 2, 60);
  EXPECT_EQ(cells.NumShared(0), 100);
  EXPECT_EQ(cells.NumShared(1), 100);
  EXPECT_EQ(cells.NumShared(2), 60);
  cells.OnCut(1, 0);  // 0 and 2 still share
  EXPECT_EQ(cells.NumShared(0), 60);
  EXPECT_EQ(cells.NumShared(1), 0);
  EXPECT_EQ(cells.NumShared(2), 60);
  cells.OnCut(0, 20);
  EXPECT_EQ(cells.NumShared(2), 20);
  EXPECT_EQ(cells.NumShared(3), 0);
}
