//! Quantiles of the beta distribution with α = β = 0.6.

/// α and β of "Beta Sampling is All You Need" (Lee et al. 2024).
const SHAPE: f64 = 0.6;
/// `B(0.6, 0.6)`.
const BETA_FUNCTION: f64 = 2.415_344_208_002_472_3;
/// Halvings of an interval of length 1/2 after which f64 cannot tell its ends apart near the smallest quantile used.
const HALVINGS: usize = 120;
/// The continued fraction converges far sooner for x below 1/2.
const MOST_TERMS: usize = 200;

/// The `x` at which the distribution function reaches `probability`.
pub(super) fn quantile(probability: f64) -> f64 {
    if probability > 0.5 {
        return 1.0 - quantile(1.0 - probability);
    }
    if probability <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0_f64, 0.5_f64);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if distribution(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function for `0 ≤ x ≤ 1/2`: DLMF 8.17.22, by Lentz's method.
fn distribution(x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    if x <= 0.0 {
        return 0.0;
    }
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut numerator, mut denominator, mut fraction) = (1.0_f64, 0.0_f64, 1.0_f64);
    for term in 0..MOST_TERMS {
        let m = (term / 2) as f64;
        let coefficient = match term {
            0 => 1.0,
            _ if term % 2 == 0 => m * (SHAPE - m) * x / ((SHAPE + 2.0 * m - 1.0) * (SHAPE + 2.0 * m)),
            _ => -(SHAPE + m) * (2.0 * SHAPE + m) * x / ((SHAPE + 2.0 * m) * (SHAPE + 2.0 * m + 1.0)),
        };
        denominator = 1.0 / away_from_zero(1.0 + coefficient * denominator);
        numerator = away_from_zero(1.0 + coefficient / numerator);
        let change = numerator * denominator;
        fraction *= change;
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    // Lentz's first factor is 1 + 1, of which only the fraction behind the leading one counts.
    (fraction - 1.0) * x.powf(SHAPE) * (1.0 - x).powf(SHAPE) / (SHAPE * BETA_FUNCTION)
}

#[cfg(test)]
mod tests {
    use super::{distribution, quantile};

    #[test]
    fn quantiles_invert_the_distribution_and_are_symmetric() {
        assert_eq!((quantile(0.0), quantile(1.0)), (0.0, 1.0));
        assert!((quantile(0.5) - 0.5).abs() < 1e-14);
        for step in 1..50 {
            let probability = f64::from(step) / 100.0;
            assert!((distribution(quantile(probability)) - probability).abs() < 1e-13, "at {probability}");
            assert!((quantile(probability) + quantile(1.0 - probability) - 1.0).abs() < 1e-14);
        }
    }
}
