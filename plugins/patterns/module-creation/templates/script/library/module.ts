/** Statistics of a stream of numbers, without keeping the numbers. */

/**
 * Count, mean, spread and range of the numbers seen so far.
 *
 * Uses Welford's method: constant memory, and no loss of precision when the
 * numbers are large and close together.
 */
export class RunningStats {
  count = 0;
  mean = 0;
  minimum = Infinity;
  maximum = -Infinity;
  #squares = 0;

  /**
   * Takes one number in. Infinite and undefined numbers are refused.
   *
   * @param «js|{number} »value
   */
  add(value«ts|: number»)«ts|: void» {
    if (!Number.isFinite(value)) {
      throw new RangeError(`not a finite number: ${value}`);
    }
    this.count += 1;
    const distance = value - this.mean;
    this.mean += distance / this.count;
    this.#squares += distance * (value - this.mean);
    this.minimum = Math.min(this.minimum, value);
    this.maximum = Math.max(this.maximum, value);
  }

  /** The sample variance; 0 for fewer than two numbers. */
  get variance()«ts|: number» {
    return this.count > 1 ? this.#squares / (this.count - 1) : 0;
  }

  /** The standard deviation of the sample. */
  get deviation()«ts|: number» {
    return Math.sqrt(this.variance);
  }

  /**
   * The statistics of both streams together. Neither is changed.
   *
   * @param «js|{RunningStats} »other
   * @returns «js|{RunningStats} »new statistics
   */
  merge(other«ts|: RunningStats»)«ts|: RunningStats» {
    const merged = new RunningStats();
    merged.count = this.count + other.count;
    if (merged.count === 0) {
      return merged;
    }
    const distance = other.mean - this.mean;
    merged.mean = this.mean + (distance * other.count) / merged.count;
    merged.minimum = Math.min(this.minimum, other.minimum);
    merged.maximum = Math.max(this.maximum, other.maximum);
    merged.#squares =
      this.#squares + other.#squares + (distance ** 2 * this.count * other.count) / merged.count;
    return merged;
  }
}

/**
 * The statistics of all the values.
 *
 * @param «js|{Iterable<number>} »values
 * @returns «js|{RunningStats} »their statistics
 */
export function summarize(values«ts|: Iterable<number>»)«ts|: RunningStats» {
  const stats = new RunningStats();
  for (const value of values) {
    stats.add(value);
  }
  return stats;
}
