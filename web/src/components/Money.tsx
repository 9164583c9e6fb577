import { money } from "../texts/format";
import styles from "./Money.module.css";

/** An amount of the API; figures of a column stand below each other. */
export const Money = ({ value }: { value: { amount: string; currency: string } }) => (
  <span className={styles.money}>{money(value.amount, value.currency)}</span>
);
