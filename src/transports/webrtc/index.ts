/* Public names of `repartee/webrtc`. */
export {
  cloudflareTurn,
  coturnTurn,
  type IceServer,
  type RtcConfig,
  type RtcSource,
  staticTurn,
  twilioTurn,
} from "./ice.ts";
export { type Answering, createOffers, type Offers, type OffersOptions } from "./offers.ts";
