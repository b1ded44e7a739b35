import { testSeeds } from "./seeds.js";

testSeeds(251, 501);
