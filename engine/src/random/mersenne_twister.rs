/// Length of the state.
const STATE: usize = 624;
/// Distance between the words that are mixed.
const SHIFT: usize = 397;

/// MT19937 (Matsumoto and Nishimura, 1998), 32-bit, with their initialisation by one integer.
#[derive(Clone)]
pub(super) struct MersenneTwister {
    state: [u32; STATE],
    position: usize,
}

impl MersenneTwister {
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; STATE];
        for index in 1..STATE {
            let previous = state[index - 1];
            state[index] = 1_812_433_253_u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(index as u32);
        }
        Self { state, position: STATE }
    }

    pub fn next(&mut self) -> u32 {
        if self.position == STATE {
            self.twist();
        }
        let mut word = self.state[self.position];
        self.position += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for index in 0..STATE {
            let mixed = (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % STATE] & 0x7fff_ffff);
            let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[index] = self.state[(index + SHIFT) % STATE] ^ (mixed >> 1) ^ odd;
        }
        self.position = 0;
    }
}
